import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Serving
import Synchronization
import Wire

@testable import ClockworkAdapter

/// A model without ramps behind the face that adapters know: one thread that runs batches as they come.
///
/// Stands in the place of the engine with early exits, and can let answers out early as that does: see ``earlyItems``.
final class LoadedServable: PagedServable {
  let signature: Signature
  private let model: LoadedModel
  private let thread = DispatchQueue(label: "batches", qos: .userInteractive)
  /// Items that are answered when the device begins the batch, at their own answer computed before; for tests of what
  /// early answers lead to. Given the batch's count.
  private let earlyItems: @Sendable (Int) -> [Int]
  /// Called before the device begins a batch, and holds it up.
  private let gate: @Sendable () -> Void

  init(
    path: String, earlyItems: @escaping @Sendable (Int) -> [Int] = { _ in [] },
    gate: @escaping @Sendable () -> Void = {}
  ) throws {
    var options = LoadedModel.Options()
    options.singleLaunch = false
    model = try LoadedModel(path: path, device: try Self.device.get(), options: options)
    self.earlyItems = earlyItems
    self.gate = gate
    let graph = model.graph
    func specs(_ values: [ValueID]) -> [TensorSpec] {
      values.map { value in
        TensorSpec(
          name: graph[value].name, type: graph[value].type ?? .float32,
          shape: graph[value].shape.map { $0.map(\.fixedExtent) })
      }
    }
    signature = Signature(inputs: specs(graph.inputs), outputs: specs(graph.outputs))
  }

  private static let device = Result { try Device.select() }

  var weightByteCount: Int { model.weightByteCount }

  func prepare(_ batch: Batch) throws(ServingError) {
    try device {
      try model.loadWeights()
      _ = try model.prepare(batch.inputs)
    }
  }

  func loadWeights() throws(ServingError) { try device { try model.loadWeights() } }
  func releaseWeights() throws(ServingError) { try device { try model.releaseWeights() } }

  private func device(_ body: () throws -> Void) throws(ServingError) {
    do { try body() } catch EngineError.weightsReleased { throw .weightsAbsent } catch {
      throw .deviceFailed(reason: "\(error)")
    }
  }

  func submit(_ batch: Batch, to receiver: any AnswerReceiver) {
    let submitted = ContinuousClock.now
    thread.async { [self] in
      let early = earlyItems(batch.count)
      do {
        if !early.isEmpty {
          let outputs = try model.run(batch.inputs)
          receiver.receive(Answers(items: early, exit: .ramp(RampID(0)), outputs: outputs))
        }
        gate()
        let started = ContinuousClock.now
        let outputs = try model.run(batch.inputs)
        let rest = (0..<(batch.count - batch.padding)).filter { !early.contains($0) }
        if !rest.isEmpty { receiver.receive(Answers(items: rest, exit: .final, outputs: outputs)) }
        receiver.finish(.success(BatchTiming(submitted: submitted, started: started, ended: .now)))
      } catch EngineError.weightsReleased {
        receiver.finish(.failure(.weightsAbsent))
      } catch {
        receiver.finish(.failure(.deviceFailed(reason: "\(error)")))
      }
    }
  }
}
