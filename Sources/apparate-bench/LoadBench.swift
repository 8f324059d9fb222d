import ArgumentParser
import Foundation
import ModelGraph
import NIOPosix
import RPC
import Synchronization
import TensorFlowServingAdapter
import Wire

/// A whole server under more load than it can take.
struct LoadBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Start a server, ask more of it than it can do, and see what it does with that.",
    discussion: """
      How long a start takes until the first answer, with kernels in the cache; how many calls a second it can answer; \
      then for a while more than that, at a fixed rate: what became of the calls, whether any answer was wrong, how its \
      memory grew; and how soon after that a call takes no longer than before. Ends with status 1 when an answer was \
      wrong, a call failed in another way than RESOURCE_EXHAUSTED, or memory kept growing.
      """)

  @Argument(help: "An ONNX file whose inputs leave nothing but the items open.")
  var model = "Tests/Workloads/vtest-resnet18.apparate.onnx"

  @Option(help: "Seconds of overload.")
  var seconds = 60.0

  @Option(help: "Calls a second, as a multiple of what the server can answer.")
  var overload = 1.5

  @Option(help: "Different inputs; the answer to each is compared with the first that it got.")
  var inputs = 16

  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Result: Encodable {
    var startSeconds = 0.0
    var callsPerSecond = 0.0
    var unloadedMilliseconds = 0.0
    var sentPerSecond = 0.0
    var answered = 0
    var refused = 0
    var wrong = 0
    var failed: [String: Int] = [:]
    var answeredP50Milliseconds = 0.0
    var answeredP99Milliseconds = 0.0
    var residentMegabytesEarly = 0.0
    var residentMegabytesLate = 0.0
    var recoverySeconds = 0.0
  }

  func validate() throws {
    guard (1...36_000).contains(seconds) else { throw ValidationError("--seconds is a number from 1 to 36000") }
    guard (0.1...100).contains(overload) else { throw ValidationError("--overload is a number from 0.1 to 100") }
    guard (1...1000).contains(inputs) else { throw ValidationError("--inputs is a number from 1 to 1000") }
  }

  func run() async throws {
    let report = Report(json: json)
    let folder = FileManager.default.temporaryDirectory.appending(path: "apparate-bench-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder.appending(path: "m/1"), withIntermediateDirectories: true)
    let name = model.hasSuffix(".apparate.onnx") ? "model.apparate.onnx" : "model.onnx"
    try FileManager.default.createSymbolicLink(
      atPath: folder.appending(path: "m/1/\(name)").path,
      withDestinationPath: URL(filePath: model).standardizedFileURL.path)
    let items = try Self.items(of: model, count: inputs)

    var result = Result()
    // The first start compiles what the cache lacks.
    report.progress("starting the server twice")
    let first = try await ServedModelProcess(folder)
    _ = try await first.firstAnswer(items[0])
    await first.end()
    let server = try await ServedModelProcess(folder)
    result.startSeconds = try await server.firstAnswer(items[0])
    let answers = Answers(items.count)
    result.unloadedMilliseconds = try await Self.alone(server, items, answers)
    report.progress("how much it can do")
    result.callsPerSecond = try await capacity(server, items, answers)
    report.progress("\(overload) times that for \(seconds) seconds")
    try await press(server, items, answers, &result)
    result.recoverySeconds = try await recovery(server, items, limit: result.unloadedMilliseconds * 2)
    await server.end()
    add(result, to: report)
    let grew = result.residentMegabytesLate > result.residentMegabytesEarly * 1.1 + 16
    if result.wrong > 0 || !result.failed.isEmpty || grew { throw ExitCode.failure }
  }

  /// Numbers from a fixed sequence, different for each item.
  private static func items(of path: String, count: Int) throws -> [[String: Tensor]] {
    let graph = try ONNXImporter.importModel(at: path)
    return try (0..<count).map { item in
      var inputs: [String: Tensor] = [:]
      for input in graph.inputs.map({ graph[$0] }) {
        guard let shape = input.shape?.map(\.fixedExtent), input.type == .float32,
          shape.dropFirst().allSatisfy({ $0 != nil })
        else {
          throw BenchError.invalidOption("\(path): its inputs leave more open than the items, or are no floats")
        }
        let extents = [1] + shape.dropFirst().compactMap { $0 }
        inputs[input.name] = Tensor(
          (0..<extents.elementCount).map { Float(($0 * 37 + item * 101) % 256) / 128 - 1 }, shape: extents)
      }
      return inputs
    }
  }

  /// The median of calls one after the other, in milliseconds. Their answers are those to compare with.
  private static func alone(
    _ server: ServedModelProcess, _ items: [[String: Tensor]], _ answers: Answers
  ) async throws -> Double {
    var took: [Double] = []
    for number in 0..<max(200, items.count) {
      let item = number % items.count
      let start = ContinuousClock.now
      let answer = try await server.client.predict(items[item], of: server.spec, isExact: true)
      took.append(start.duration(to: .now).milliseconds)
      answers.check(item, answer)
      try await Task.sleep(for: .milliseconds(2))
    }
    return Distribution(took).median
  }

  /// Sixteen calls under way at any time, for three seconds.
  private func capacity(
    _ server: ServedModelProcess, _ items: [[String: Tensor]], _ answers: Answers
  ) async throws -> Double {
    let end = ContinuousClock.now + .seconds(3)
    let calls = try await withThrowingTaskGroup(of: Int.self) { group in
      for lane in 0..<16 {
        group.addTask {
          var calls = 0
          while ContinuousClock.now < end {
            let item = (lane + calls) % items.count
            answers.check(item, try await server.client.predict(items[item], of: server.spec, isExact: true))
            calls += 1
          }
          return calls
        }
      }
      return try await group.reduce(0, +)
    }
    return Double(calls) / 3
  }

  private func press(
    _ server: ServedModelProcess, _ items: [[String: Tensor]], _ answers: Answers, _ result: inout Result
  ) async throws {
    let rate = result.callsPerSecond * overload
    let outcomes = Outcomes()
    let begin = ContinuousClock.now
    var sent = 0
    let clock = ContinuousClock()
    while begin.duration(to: .now).seconds < seconds {
      let due = Int(begin.duration(to: .now).seconds * rate)
      while sent < due {
        let item = sent % items.count
        let start = clock.now
        outcomes.began()
        server.client.predict(items[item], of: server.spec, isExact: true, timeout: .seconds(20)) { answer in
          switch answer {
          case .success(let answer):
            outcomes.answered(start.duration(to: clock.now).milliseconds, isRight: answers.check(item, answer))
          case .failure(let status): outcomes.failed(status)
          }
        }
        sent += 1
      }
      if result.residentMegabytesEarly == 0, begin.duration(to: .now).seconds > seconds / 5 {
        result.residentMegabytesEarly = try server.residentMegabytes()
      }
      try await Task.sleep(for: .milliseconds(2))
    }
    result.sentPerSecond = Double(sent) / begin.duration(to: .now).seconds
    result.residentMegabytesLate = try server.residentMegabytes()
    outcomes.read(into: &result)
  }

  /// Until a call takes no longer than `limit`. Calls of the overload may still be under way.
  private func recovery(
    _ server: ServedModelProcess, _ items: [[String: Tensor]], limit: Double
  ) async throws -> Double {
    let begin = ContinuousClock.now
    while begin.duration(to: .now).seconds < 60 {
      let start = ContinuousClock.now
      let answer = try? await server.client.predict(items[0], of: server.spec, isExact: true)
      if answer != nil, start.duration(to: .now).milliseconds <= limit { break }
      try await Task.sleep(for: .milliseconds(1))
    }
    return begin.duration(to: .now).seconds
  }

  private func add(_ result: Result, to report: Report) {
    guard !json else { return report.line(result) }
    let failed = result.failed.sorted { $0.key < $1.key }.map { ", \($0.value) \($0.key)" }.joined()
    print(
      String(
        format: """
          first answer after a start   %.2f s
          calls answered               %.0f/s, one alone in %.2f ms
          calls sent                   %.0f/s
          answered                     %d, p50 %.1f ms, p99 %.1f ms; %d wrong
          RESOURCE_EXHAUSTED           %d
          """, result.startSeconds, result.callsPerSecond, result.unloadedMilliseconds, result.sentPerSecond,
        result.answered, result.answeredP50Milliseconds, result.answeredP99Milliseconds, result.wrong, result.refused)
        + "\(failed)\n"
        + String(
          format: "resident                     %.0f MB early, %.0f MB late\nas fast as before after      %.2f s",
          result.residentMegabytesEarly, result.residentMegabytesLate, result.recoverySeconds))
  }

  /// The first answer to each item, and whether all others are the same. Thread-safe.
  private final class Answers: Sendable {
    /// Guards the answers.
    private let first: Mutex<[[String: [UInt8]]?]>

    init(_ count: Int) { first = Mutex(Array(repeating: nil, count: count)) }

    @discardableResult
    func check(_ item: Int, _ answer: PredictClient.Answer) -> Bool {
      let bytes = answer.outputs.mapValues { tensor in tensor.storage.withUnsafeBytes { Array($0) } }
      return first.withLock {
        guard let expected = $0[item] else {
          $0[item] = bytes
          return true
        }
        return expected == bytes
      }
    }
  }

  /// What became of calls. Thread-safe.
  private final class Outcomes: Sendable {
    private struct State {
      var took: [Double] = []
      var wrong = 0
      var failed: [String: Int] = [:]
      var underWay = 0
    }

    /// Guards the counts.
    private let state = Mutex(State())

    func began() { state.withLock { $0.underWay += 1 } }

    func answered(_ milliseconds: Double, isRight: Bool) {
      state.withLock {
        $0.underWay -= 1
        $0.took.append(milliseconds)
        if !isRight { $0.wrong += 1 }
      }
    }

    func failed(_ status: Status) {
      state.withLock {
        $0.underWay -= 1
        $0.failed["\(status.code)", default: 0] += 1
      }
    }

    func read(into result: inout Result) {
      let state = state.withLock { $0 }
      let sorted = state.took.sorted()
      result.answered = sorted.count
      result.wrong = state.wrong
      result.failed = state.failed
      result.refused = result.failed.removeValue(forKey: "\(Status.Code.resourceExhausted)") ?? 0
      guard !sorted.isEmpty else { return }
      result.answeredP50Milliseconds = sorted[sorted.count / 2]
      result.answeredP99Milliseconds = sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
    }
  }
}

extension Duration {
  fileprivate var milliseconds: Double { seconds * 1e3 }
}
