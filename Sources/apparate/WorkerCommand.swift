import ArgumentParser
import ClockworkAdapter
import EarlyExit
import Foundation
import InferenceEngine
import Serving

struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker",
    abstract: "Serve models to a Clockwork controller, with early exits.",
    discussion: """
      Start it in the place of Clockwork's own worker, before the controller. A controller's model path names a \
      directory below --model_root, as NAME/VERSION or NAME for the latest version; a path of Clockwork's zoo, \
      …/resnet50_v2/model, names the directory resnet50_v2. All workers of one controller need the same page size and \
      the same cache size.
      """)

  @Option(name: .customLong("clockwork_port"), help: "Where controllers connect.")
  var port: UInt16 = 12345

  @Option(help: "IPv4 address to listen on.")
  var host = "0.0.0.0"

  @Option(name: .customLong("model_root"), help: "The directory that holds the models' directories.")
  var modelRoot: String

  @Option(help: "Queues that the controller sees as GPUs; they share the device.")
  var gpus = 1

  @Option(name: .customLong("weights_cache_size"), help: "Bytes of weights on each GPU.")
  var weightsCacheSize = 23_085_449_216

  @Option(name: .customLong("weights_cache_page_size"), help: "Bytes of a page of weights.")
  var pageSize = 16_777_216

  @Option(name: .customLong("max_batch_size"), help: "Items in a batch, whatever the controller allows.")
  var maxBatchSize = 64

  @Option(
    name: .customLong("sequence_length"),
    help: "Elements of every input axis that models leave open; clockwork.json beside a model may say otherwise.")
  var sequenceLength: Int?

  @Flag(
    name: .customLong("allow_zero_size_inputs"), inversion: .prefixedNo,
    help: "Run batches that come without inputs, on zeros.")
  var allowsEmptyInputs = true

  @Option(
    name: .customLong("early_result_lead_ms"),
    help: "How long before the device is free a result may be sent, when all items of a batch have left early.")
  var earlyResultLead = 5.0

  @Option(name: .customLong("early_exits"), help: "on: adaptive, within --accuracy. off: the models as they are.")
  var earlyExits = "on"

  @Option(help: "The share of answers that must equal the original model's.")
  var accuracy = 0.99

  @OptionGroup var deviceOptions: DeviceOptions

  func run() throws {
    try reporting {
      let configuration = try configuration()
      let (device, loading, control) = (try deviceOptions.select(), try deviceOptions.modelOptions(), try control())
      let server: WorkerServer
      do {
        server = try WorkerServer(configuration: configuration, log: logLine) { files, gpu in
          var options = EarlyExitEngine.Options()
          options.control = control
          options.loading = loading
          options.log = logLine
          return try EarlyExitEngine(
            PreparedModel(path: try files.onnxPath), name: "\(files.directory) on GPU \(gpu)", device: device,
            options: options)
        }
      } catch ClockworkError.invalidConfiguration(let text) { throw CommandError.usage(text) }
      logLine("worker: \(gpus) GPUs on \(device.properties.name); controllers connect to port \(server.port)")
      TerminationSignal.wait()
      logLine("worker: shutting down")
      server.stop()
    }
  }

  private func control() throws -> EarlyExitEngine.Control {
    switch earlyExits {
    case "on":
      guard let constraint = try? AccuracyConstraint(accuracy) else {
        throw CommandError.usage("--accuracy is a share from 0 to 1, got \(accuracy)")
      }
      return .adaptive(ControllerOptions(accuracy: constraint), stateFile: nil)
    case "off": return .pinned(.none)
    default: throw CommandError.usage("--early_exits is on or off, got \(earlyExits)")
    }
  }

  private func configuration() throws -> WorkerConfiguration {
    let root = URL(fileURLWithPath: modelRoot).standardizedFileURL.path
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: root, isDirectory: &isDirectory), isDirectory.boolValue else {
      throw CommandError.noInput("--model_root \(modelRoot) is no directory")
    }
    guard (0...1000).contains(earlyResultLead) else {
      throw CommandError.usage("--early_result_lead_ms is from 0 to 1000, got \(earlyResultLead)")
    }
    var configuration = WorkerConfiguration(modelRoot: root)
    configuration.host = host
    configuration.port = port
    configuration.gpus = gpus
    configuration.weightsCacheSize = weightsCacheSize
    configuration.pageSize = pageSize
    configuration.maxBatchSize = maxBatchSize
    configuration.openExtent = sequenceLength
    configuration.allowsEmptyInputs = allowsEmptyInputs
    configuration.earlyResultLead = .microseconds(Int64(earlyResultLead * 1000))
    return configuration
  }
}
