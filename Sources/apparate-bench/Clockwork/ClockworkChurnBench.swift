import ArgumentParser
import ClockworkAdapter
import Datasets
import Foundation
import OpenCLRuntime
import Synchronization

/// Many models in a cache that holds few of them: how weights come and go, and that nothing goes wrong.
struct ClockworkChurnBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "churn",
    abstract: "Ask for random ones of many small models, of which the weights cache holds a few.",
    discussion: "Fails when a worker breaks the protocol or an action fails for another reason than being too late.")

  @Option(help: "Models.")
  var models = 1000

  @Option(help: "How many of them the cache holds.")
  var resident = 50

  @Option(help: "How long.")
  var seconds = 60.0

  @Option(help: "Requests at a time.")
  var concurrency = 8

  @Flag(help: "Print one JSON object a line.")
  var json = false

  private struct Result: Encodable {
    let models: Int
    let resident: Int
    let loadSeconds: Double
    let peakMegabytes: Double
    let seconds: Double
    let answered: Int
    /// By status.
    let failedRequests: [Int32: Int]
    let loads: Int
    let evictions: Int
    let failedActions: [Int32: Int]
    let loadMicroseconds: Distribution
    let latencyMilliseconds: Distribution
    let violations: [String]
  }

  func validate() throws {
    guard (1...100_000).contains(models) else { throw ValidationError("--models is a number from 1 to 100000") }
    guard (1...models).contains(resident) else { throw ValidationError("--resident is at most --models") }
    guard seconds > 0 else { throw ValidationError("--seconds is above 0") }
    guard (1...10_000).contains(concurrency) else { throw ValidationError("--concurrency is from 1 to 10000") }
  }

  func run() throws {
    let report = Report(json: json)
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("apparate-churn-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: root) }
    var generator = SeededGenerator(seed: 1)
    try SmallModelFile.write("small", in: root, generator: &generator)
    let page = 1 << 17
    let node = try ClockworkNode(
      modelRoot: root.path, device: try Device.select(), exits: .pinned(.none), slo: .milliseconds(500)
    ) { configuration in
      configuration.pageSize = page
      configuration.weightsCacheSize = resident * page
      configuration.maxBatchSize = 2
    }
    defer { node.stop() }
    report.progress("loading \(models) models")
    let begin = ContinuousClock.now
    _ = try node.client.load("small", copies: models, within: 3600)
    let loadTime = ContinuousClock.now - begin
    guard node.worker.state.models.allSatisfy({ $0.weightsPages == 1 }) else {
      throw BenchError.invalidOption("a model takes more than one page of \(page) bytes")
    }
    report.progress("\(seconds) s of requests for random models")
    let load = ClosedLoop(client: node.client, models: models, concurrency: concurrency, generator: generator)
    let took = load.run(for: .milliseconds(Int(seconds * 1000)))
    let records = node.takeRecords()
    func count(_ kind: ActionRecord.Kind) -> Int { records.actions.count { $0.kind == kind && $0.status == 0 } }
    func byStatus(_ statuses: [Int32]) -> [Int32: Int] { Dictionary(statuses.map { ($0, 1) }, uniquingKeysWith: +) }
    let done = records.requests.filter { $0.status == 0 }
    let loads = records.actions.filter { $0.kind == .loadWeights && $0.status == 0 }
    guard !done.isEmpty, !loads.isEmpty else { throw BenchError.invalidOption("no request was answered") }
    let result = Result(
      models: models, resident: resident, loadSeconds: loadTime.inSeconds,
      peakMegabytes: Double(try ProcessMemory.now().peak) / 1e6, seconds: took.inSeconds, answered: done.count,
      failedRequests: byStatus(records.requests.map(\.status).filter { $0 != 0 }), loads: loads.count,
      evictions: count(.evictWeights), failedActions: byStatus(records.actions.map(\.status).filter { $0 != 0 }),
      loadMicroseconds: Distribution(loads.map { Double($0.duration ?? 0) / 1e3 }),
      latencyMilliseconds: Distribution(done.map { Double($0.answered - $0.arrived) / 1e6 }),
      violations: node.controller.violations)
    if json { report.line(result) } else { print(text(of: result)) }
    // Too late to load, copy or run; everything else is a fault.
    let late: Set<Int32> = [51, 71, 81]
    guard result.violations.isEmpty, result.failedActions.keys.allSatisfy(late.contains) else { throw ExitCode.failure }
  }

  private func text(of result: Result) -> String {
    func text(_ distribution: Distribution) -> String {
      String(format: "%.2f [%.2f, %.2f]", distribution.median, distribution.lowerQuartile, distribution.upperQuartile)
    }
    return """
      \(result.models) models, \(result.resident) resident: loaded in \(String(format: "%.1f", result.loadSeconds)) s, \
      peak memory \(String(format: "%.0f", result.peakMegabytes)) MB
      \(result.answered) requests answered in \(String(format: "%.1f", result.seconds)) s; failed by status: \
      \(result.failedRequests)
      \(result.loads) loads of weights, \(result.evictions) evictions; failed actions by status: \(result.failedActions)
      loading weights: \(text(result.loadMicroseconds)) µs; latency \(text(result.latencyMilliseconds)) ms
      violations of the protocol: \(result.violations)
      """
  }
}

/// Clients that send their next request when the last was answered.
private final class ClosedLoop: Sendable {
  private let client: ClockworkClient
  private let models: Int
  private let concurrency: Int
  /// Guards the random numbers, and how many requests are on their way.
  private let state: Mutex<(generator: SeededGenerator, running: Int, isOver: Bool)>
  private let ended = DispatchSemaphore(value: 0)
  private let input = [UInt8](repeating: 1, count: SmallModelFile.inputByteCount)

  init(client: ClockworkClient, models: Int, concurrency: Int, generator: SeededGenerator) {
    self.client = client
    self.models = models
    self.concurrency = concurrency
    state = Mutex((generator, 0, false))
  }

  func run(for time: Duration) -> Duration {
    let begin = ContinuousClock.now
    state.withLock { $0.running = concurrency }
    for _ in 0..<concurrency { sendNext() }
    Thread.sleep(forTimeInterval: time.inSeconds)
    state.withLock { $0.isOver = true }
    _ = ended.wait(timeout: .now() + 60)
    return ContinuousClock.now - begin
  }

  private func sendNext() {
    let (model, isLast) = state.withLock { state -> (UInt32?, Bool) in
      if state.isOver {
        state.running -= 1
        return (nil, state.running == 0)
      }
      return (UInt32.random(in: 0..<UInt32(models), using: &state.generator), false)
    }
    if let model {
      client.infer(model: model, input: input) { _ in self.sendNext() }
    } else if isLast {
      ended.signal()
    }
  }
}
