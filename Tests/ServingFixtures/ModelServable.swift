import Dispatch
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Serving
import Synchronization

/// A model as it is, without ramps: what a request needs, and nothing of the early-exit engine.
public final class ModelServable: Servable {
  public let signature: Signature
  private let model: LoadedModel
  private let queue = DispatchQueue(label: "model")

  /// With a launch for each kernel, which compiles less.
  public init(path: String) throws {
    var options = LoadedModel.Options()
    options.singleLaunch = false
    let model = try LoadedModel(path: path, device: Device.all()[0], options: options)
    self.model = model
    func specs(_ values: [ValueID]) -> [TensorSpec] {
      values.map { id in
        let value = model.graph[id]
        return TensorSpec(
          name: value.name, type: value.type ?? .float32, shape: value.shape.map { $0.map(\.fixedExtent) })
      }
    }
    signature = Signature(inputs: specs(model.graph.inputs), outputs: specs(model.graph.outputs))
  }

  public func submit(_ batch: Batch, to receiver: any AnswerReceiver) {
    let submitted = ContinuousClock.now
    queue.async { [model] in
      let started = ContinuousClock.now
      do {
        let outputs = try model.run(batch.inputs)
        receiver.receive(Answers(items: Array(0..<batch.count), exit: .final, outputs: outputs))
        receiver.finish(.success(BatchTiming(submitted: submitted, started: started, ended: .now)))
      } catch {
        receiver.finish(.failure(.deviceFailed(reason: "\(error)")))
      }
    }
  }

  /// Loads `model.onnx`.
  public struct Loader: ServableLoader {
    public init() {}

    public func load(_ id: ServableID, from files: VersionFiles) throws -> LoadedServable {
      guard case .onnx(let path) = files.model else { throw RepositoryError.noModel(directory: files.directory) }
      return LoadedServable(servable: try ModelServable(path: path))
    }
  }
}

extension Servable {
  /// Runs one batch and waits for it, at most a minute.
  public func answer(_ inputs: [String: Tensor], count: Int) throws -> [String: Tensor] {
    let waiter = Waiter()
    submit(Batch(inputs: inputs, count: count), to: waiter)
    return try waiter.outputs()
  }
}

private final class Waiter: AnswerReceiver {
  private let done = DispatchSemaphore(value: 0)
  private let state = Mutex<(outputs: [String: Tensor], outcome: Result<BatchTiming, ServingError>?)>(([:], nil))

  func receive(_ answers: Answers) { state.withLock { $0.outputs = answers.outputs } }

  func finish(_ outcome: Result<BatchTiming, ServingError>) {
    state.withLock { $0.outcome = outcome }
    done.signal()
  }

  func outputs() throws -> [String: Tensor] {
    guard done.wait(timeout: .now() + 60) == .success else { throw ServingError.deadlineExceeded }
    return try state.withLock { state in
      _ = try state.outcome?.get()
      return state.outputs
    }
  }
}
