import ClockworkAdapter
import Datasets
import EarlyExit
import Foundation
import ModelGraph
import Serving
import Synchronization

/// An engine behind the Clockwork face: a worker, a controller, and a client, over loopback. Every item is a request.
final class ServedByClockwork: Servable {
  let signature: Signature
  private let directory: VersionDirectory
  private let worker: WorkerServer
  private let controller: ControllerServer
  private let client: ClockworkClient
  private let model: ClockworkClient.Model

  /// - Parameter items: what will be sent; all of one shape, which a Clockwork model has.
  init(_ engine: EarlyExitEngine, items: Items) throws {
    signature = engine.signature
    guard items.distinctShapes(batchSizes: 1...1).count == 1 else {
      throw EvaluationError.invalidOption(
        name: "through clockwork", expected: "items of one shape: pad them to one length", got: "several lengths")
    }
    directory = try VersionDirectory()
    var configuration = WorkerConfiguration(modelRoot: directory.root)
    configuration.host = "127.0.0.1"
    configuration.port = 0
    configuration.openExtent = items.batch(0..<1).values.lazy.compactMap { $0.shape.dropFirst().last }.first
    worker = try WorkerServer(configuration: configuration, log: { _ in }) { _, _ in engine }
    var controlling = ControllerConfiguration(workers: [.init(host: "127.0.0.1", port: worker.port)])
    controlling.host = "127.0.0.1"
    controlling.clientPort = 0
    // Latencies are what is looked at here: nothing is refused for being late.
    controlling.defaultSLO = .seconds(60)
    controlling.maxExec = .seconds(10)
    controlling.scheduleAhead = .seconds(30)
    controller = try ControllerServer(configuration: controlling, log: { _ in })
    client = try ClockworkClient(host: "127.0.0.1", port: controller.port)
    model = try client.load(VersionDirectory.model)
  }

  func submit(_ batch: Batch, to receiver: any AnswerReceiver) {
    let submitted = ContinuousClock.now
    let (signature, waiting) = (signature, Waiting(for: batch.count))
    for item in 0..<batch.count {
      var bytes: [UInt8] = []
      for input in signature.inputs {
        guard let tensor = batch.inputs[input.name] else { continue }
        let size = tensor.storage.byteCount / batch.count
        tensor.storage.withUnsafeBytes { bytes += $0[item * size..<(item + 1) * size] }
      }
      client.infer(model: model.ids.lowerBound, input: bytes) { result in
        do {
          let outputs = try Self.outputs(of: result.get(), signature)
          receiver.receive(Answers(items: [item], exit: .final, outputs: Self.spread(outputs, to: batch.count)))
        } catch {
          waiting.state.withLock { $0.failure = $0.failure ?? .deviceFailed(reason: "\(error)") }
        }
        let (isLast, failure) = waiting.state.withLock { state in
          state.left -= 1
          return (state.left == 0, state.failure)
        }
        guard isLast else { return }
        receiver.finish(
          failure.map { .failure($0) }
            ?? .success(BatchTiming(submitted: submitted, started: submitted, ended: .now)))
      }
    }
  }

  /// What a batch still waits for.
  private final class Waiting: Sendable {
    let state: Mutex<(left: Int, failure: ServingError?)>
    init(for items: Int) { state = Mutex((items, nil)) }
  }

  /// One item's outputs, which lie one after the other in the order of the signature.
  private static func outputs(of bytes: [UInt8], _ signature: Signature) throws -> [String: Tensor] {
    var outputs: [String: Tensor] = [:]
    var offset = 0
    for output in signature.outputs {
      let extents = (output.shape ?? []).dropFirst().map { $0 }
      let known = extents.compactMap(\.self).reduce(1, *)
      let rest = (bytes.count - offset) / output.type.byteWidth
      // At most one extent of the last output may be open.
      let shape = [1] + extents.map { $0 ?? max(1, rest / known) }
      let byteCount = shape.reduce(output.type.byteWidth, *)
      guard offset + byteCount <= bytes.count else { throw EvaluationError.missingOutput(name: output.name) }
      let part = Array(bytes[offset..<offset + byteCount])
      outputs[output.name] = Tensor(type: output.type, shape: shape, storage: TensorStorage(copying: part))
      offset += byteCount
    }
    return outputs
  }

  /// An item's outputs as rows of a batch, all of them the same; the receiver reads the row of its item.
  private static func spread(_ outputs: [String: Tensor], to count: Int) -> [String: Tensor] {
    guard count > 1 else { return outputs }
    return outputs.mapValues { tensor in
      let row = tensor.storage.withUnsafeBytes { Array($0) }
      return Tensor(
        type: tensor.type, shape: [count] + tensor.shape.dropFirst(),
        storage: TensorStorage(copying: (0..<count).flatMap { _ in row }))
    }
  }

  func stop() {
    client.close()
    controller.stop()
    worker.stop()
    directory.remove()
  }
}
