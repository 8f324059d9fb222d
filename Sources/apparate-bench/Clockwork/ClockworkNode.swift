import ClockworkAdapter
import EarlyExit
import Foundation
import InferenceEngine
import OpenCLRuntime
import Serving
import Synchronization

/// A worker and a controller in this process, and a client of theirs; over TCP, as on a machine of their own.
final class ClockworkNode {
  let worker: WorkerServer
  let controller: ControllerServer
  let client: ClockworkClient

  struct Records: Sendable {
    var actions: [ActionRecord] = []
    var requests: [RequestRecord] = []
  }

  /// - Parameters:
  ///   - modelRoot: where models are.
  ///   - exits: who decides on exits, in every model.
  init(
    modelRoot: String, device: Device, exits: EarlyExitEngine.Control, slo: Duration,
    configure: (inout WorkerConfiguration) -> Void = { _ in }
  ) throws {
    var workerConfiguration = WorkerConfiguration(modelRoot: modelRoot)
    workerConfiguration.host = "127.0.0.1"
    workerConfiguration.port = 0
    configure(&workerConfiguration)
    worker = try WorkerServer(configuration: workerConfiguration, log: { _ in }) { files, _ in
      var options = EarlyExitEngine.Options()
      options.control = exits
      return try EarlyExitEngine(
        PreparedModel(path: try files.onnxPath), name: files.directory, device: device, options: options)
    }
    var configuration = ControllerConfiguration(workers: [.init(host: "127.0.0.1", port: worker.port)])
    configuration.host = "127.0.0.1"
    configuration.clientPort = 0
    configuration.defaultSLO = slo
    let collected = Collected()
    configuration.onAction = { record in collected.records.withLock { $0.actions.append(record) } }
    configuration.onRequest = { record in collected.records.withLock { $0.requests.append(record) } }
    self.collected = collected
    controller = try ControllerServer(configuration: configuration, log: { _ in })
    client = try ClockworkClient(host: "127.0.0.1", port: controller.port)
  }

  private let collected: Collected

  private final class Collected: Sendable {
    let records = Mutex(Records())
  }

  /// What has been recorded since the last call.
  func takeRecords() -> Records {
    collected.records.withLock { records in
      defer { records = Records() }
      return records
    }
  }

  func stop() {
    client.close()
    controller.stop()
    worker.stop()
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
