import ArgumentParser
import Foundation
import ModelGraph
import NIOPosix
import OpenCLRuntime
import RPC
import Serving
import Sidecar
import Synchronization
import TensorFlowServingAdapter
import Wire

/// What the serving path adds to the bare engine, and what a preparation in the background does to those who are served.
struct ServingBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serving",
    abstract: "Measure what gRPC and the server add to the engine, and what live bootstrapping costs requests.",
    discussion: """
      One request after the other at a fixed rate, of random numbers: in turns to the engine itself and through gRPC on \
      loopback; then through gRPC, in windows in which `apparate prepare --background` runs and windows in which it is \
      stopped. The last line weighs the two as live bootstrapping does.
      """)

  @Argument(help: "An ONNX file whose inputs leave nothing but the items open.")
  var model = "Tests/Workloads/vtest-resnet18.onnx"

  @Option(help: "What is prepared in the background, as for `apparate prepare`.")
  var bootstrap = "Tests/Workloads/vtest-tiles.npz"

  @Option(help: "How its arrays become inputs, as for `apparate prepare`.")
  var input = "image=bootstrap | subtract 127.5 | divide 64 | channels-first"

  @Option(help: "Requests a second.")
  var rate = 50.0

  @Option(help: "Seconds for each of the two measurements.")
  var seconds = 30.0

  @Option(help: "Seconds of a window with or without preparation.")
  var window = 1.0

  @Flag(help: "Print one JSON object a line.")
  var json = false

  private struct Result: Encodable {
    let what: String
    let requests: Int
    let p50Milliseconds: Double
    let p95Milliseconds: Double
    let p99Milliseconds: Double

    init(_ what: String, _ latencies: [Double]) {
      let sorted = latencies.sorted()
      func quantile(_ share: Double) -> Double {
        sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))] * 1e3
      }
      self.what = what
      requests = sorted.count
      (p50Milliseconds, p95Milliseconds, p99Milliseconds) = (quantile(0.5), quantile(0.95), quantile(0.99))
    }
  }

  func validate() throws {
    guard (0.1...10_000).contains(rate) else { throw ValidationError("--rate is a number from 0.1 to 10000") }
    guard (1...3600).contains(seconds) else { throw ValidationError("--seconds is a number from 1 to 3600") }
    guard (0.1...60).contains(window) else { throw ValidationError("--window is a number from 0.1 to 60") }
  }

  func run() async throws {
    let report = Report(json: json)
    let path = URL(filePath: model).standardizedFileURL.path
    let folder = FileManager.default.temporaryDirectory.appending(path: "apparate-bench-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder.appending(path: "1"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: folder.appending(path: "1/model.onnx").path, withDestinationPath: path)
    let flags = ["--model_base_path=\(folder.path)", "--model_name=m", "--apparate_bootstrap=off"]
    var configuration = try ServerConfiguration(try ServeFlags(flags).options)
    configuration.grpc = [.tcp(host: "127.0.0.1", port: 0)]
    let server = try await SidecarServer.start(configuration, device: Device.select()) { report.progress($0) }
    let client = PredictClient(server.tensorFlow.grpcEndpoints[0], group: MultiThreadedEventLoopGroup.singleton)
    guard let engine = server.engines.engines.first?.engine,
      let inputs = Self.inputs(engine.signature)
    else { throw BenchError.invalidOption("\(model): its inputs leave more open than the items, or are no floats") }
    try await measurePath(engine, client, inputs, report)
    try await measureBackground(client, inputs, path, folder, report)
    await client.shutDown()
    await server.stop(within: .seconds(5))
  }

  /// In turns, so that both meet the same machine.
  private func measurePath(
    _ engine: EarlyExitEngine, _ client: PredictClient, _ inputs: [String: Tensor], _ report: Report
  ) async throws {
    var (bare, served): ([Double], [Double]) = ([], [])
    try await repeatedly { number in
      let start = ContinuousClock.now
      if number.isMultiple(of: 2) {
        await Self.run(engine, inputs)
        bare.append(start.duration(to: .now).seconds)
      } else {
        _ = try await client.predict(inputs, of: ModelSpec(name: "m"))
        served.append(start.duration(to: .now).seconds)
      }
    }
    add(Result("engine alone", bare), to: report)
    add(Result("through gRPC", served), to: report)
  }

  private func measureBackground(
    _ client: PredictClient, _ inputs: [String: Tensor], _ path: String, _ folder: URL, _ report: Report
  ) async throws {
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appending(path: "apparate")
    let preparation = BackgroundPreparation(
      program,
      [
        "prepare", path, "--background", "--bootstrap", bootstrap, "--input", input, "--output",
        folder.appending(path: "prepared.onnx").path,
      ])
    defer { preparation.end() }
    var (undisturbed, disturbed): ([Double], [Double]) = ([], [])
    let begin = ContinuousClock.now
    try await repeatedly { _ in
      let isDisturbed = !Int(begin.duration(to: .now).seconds / window).isMultiple(of: 2)
      try preparation.run(isDisturbed)
      let start = ContinuousClock.now
      _ = try await client.predict(inputs, of: ModelSpec(name: "m"))
      let took = start.duration(to: .now).seconds
      if isDisturbed { disturbed.append(took) } else { undisturbed.append(took) }
    }
    add(Result("gRPC, preparation stopped", undisturbed), to: report)
    add(Result("gRPC, preparation running", disturbed), to: report)
    add(Result("gRPC, live bootstrapping", Self.mixed(undisturbed, disturbed, BootstrapOptions().share)), to: report)
  }

  /// Both kinds of latencies, each as often as a server that bootstraps has it: values repeated as their weights are.
  private static func mixed(_ undisturbed: [Double], _ disturbed: [Double], _ share: Double) -> [Double] {
    // So many of each kind that the shares come out right whatever the lengths of the windows were.
    let count = 100_000
    func spread(_ values: [Double], _ count: Int) -> [Double] {
      let sorted = values.sorted()
      return (0..<count).map { sorted[$0 * sorted.count / count] }
    }
    return spread(undisturbed, Int(Double(count) * (1 - share))) + spread(disturbed, Int(Double(count) * share))
  }

  /// At the rate, for the time.
  private func repeatedly(_ body: (Int) async throws -> Void) async throws {
    let begin = ContinuousClock.now
    for number in 0..<Int(rate * seconds) {
      try await Task.sleep(until: begin + .seconds(Double(number) / rate), tolerance: .zero)
      try await body(number)
    }
  }

  private static func run(_ engine: EarlyExitEngine, _ inputs: [String: Tensor]) async {
    await withCheckedContinuation { continuation in
      engine.submit(Batch(inputs: inputs, count: 1), to: Receiver { continuation.resume() })
    }
  }

  private final class Receiver: AnswerReceiver {
    private let onAnswer: @Sendable () -> Void
    init(_ onAnswer: @escaping @Sendable () -> Void) { self.onAnswer = onAnswer }
    func receive(_ answers: Answers) { onAnswer() }
    func finish(_ outcome: Swift.Result<BatchTiming, ServingError>) { if case .failure = outcome { onAnswer() } }
  }

  private static func inputs(_ signature: Signature) -> [String: Tensor]? {
    var inputs: [String: Tensor] = [:]
    for input in signature.inputs {
      guard let shape = input.shape, input.type == .float32, shape.dropFirst().allSatisfy({ $0 != nil }) else {
        return nil
      }
      let extents = [1] + shape.dropFirst().compactMap { $0 }
      inputs[input.name] = Tensor((0..<extents.elementCount).map { Float($0 * 37 % 256) / 128 - 1 }, shape: extents)
    }
    return inputs
  }

  private func add(_ result: Result, to report: Report) {
    guard !json else { return report.line(result) }
    print(
      result.what.padding(toLength: 28, withPad: " ", startingAt: 0)
        + String(
          format: "%6d requests   p50 %.3f ms   p95 %.3f ms   p99 %.3f ms", result.requests, result.p50Milliseconds,
          result.p95Milliseconds, result.p99Milliseconds))
    fflush(nil)
  }
}
