import ArgumentParser
import Console
import EarlyExit
import Foundation
import ModelGraph

/// What choosing thresholds costs and how good they are: ours beside the paper's greedy and the exhaustive optimum.
struct TunerBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tuner",
    abstract:
      "Time threshold tuning, ramp adjustment and recording; compare savings with the greedy and the exhaustive tuner.",
    discussion: "Runs on what real ramps said on the streams in Tests/Workloads/recorded, on one thread.")

  @Option(help: "The folder Tests/Workloads of the repository.")
  var workloads = "Tests/Workloads"

  @Option(help: "Items per window.")
  var items = 512

  @Option(help: "The share of answers that must equal the model's.")
  var accuracy = 0.99

  @Option(name: .customLong("repeat"), help: "Timed runs of each kind.")
  var repetitions = 101

  @Flag(help: "Print one JSON object a line.")
  var json = false

  private static let streams = [
    "vtest-resnet18", "vtest-efficientnet-lite0", "sentiment-movie", "sentiment-amazon", "sentiment-tweets",
  ]

  private struct Result: Encodable {
    let stream: String
    let ramps: Int
    let items: Int
    let windows: Int
    let tuningMilliseconds: Distribution
    let greedyMilliseconds: Distribution
    let exhaustiveMilliseconds: Distribution
    /// Mean saving over the windows, as shares of the exhaustive optimum.
    let savingOfOptimum: Double
    let greedySavingOfOptimum: Double
    /// In the worst window.
    let leastSavingOfOptimum: Double
    let adjustmentMilliseconds: Distribution
    let recordNanosecondsPerRamp: Distribution
  }

  func validate() throws {
    guard (16...65536).contains(items) else { throw ValidationError("--items is a number from 16 to 65536") }
    guard repetitions > 1 else { throw ValidationError("--repeat is at least 2") }
    guard (0...1).contains(accuracy) else { throw ValidationError("--accuracy is a share from 0 to 1") }
  }

  func run() throws {
    let report = Report(json: json)
    var table = Table([
      "stream", "ramps", "ours ms", "greedy ms", "exhaustive ms", "ours / best", "worst", "greedy / best", "adjust ms",
      "record ns/ramp",
    ])
    for name in Self.streams {
      report.progress("\(name): \(items) items a window")
      let result = try measure(RecordedStream(name, workloads: workloads))
      if json {
        report.line(result)
        continue
      }
      func milliseconds(_ time: Distribution) -> String { String(format: "%.3f", time.median) }
      func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }
      table.add([
        name, "\(result.ramps)", milliseconds(result.tuningMilliseconds), milliseconds(result.greedyMilliseconds),
        milliseconds(result.exhaustiveMilliseconds), percent(result.savingOfOptimum),
        percent(result.leastSavingOfOptimum), percent(result.greedySavingOfOptimum),
        milliseconds(result.adjustmentMilliseconds),
        String(format: "%.1f", result.recordNanosecondsPerRamp.median),
      ])
    }
    if !json { print(table.text) }
  }

  private func measure(_ stream: RecordedStream) throws -> Result {
    let constraint = try AccuracyConstraint(accuracy)
    let ramps = StartingRamps.evenlySpaced(in: stream.profile, budget: 0.02)
    let starts = Array(stride(from: 0, through: max(0, stream.count - items), by: max(1, items / 2)))
    let windows = try starts.map { try stream.window($0..<min(stream.count, $0 + items)) }
    let bare = stream.profile.measured[0].total
    /// What exits save, ramps' cost apart: the part that tuning decides.
    func saving(_ tuned: TunedPolicy) -> Double { tuned.meanSaving + stream.profile.slowdown(of: ramps) * bare }

    var ours: [Double] = []
    var greedy: [Double] = []
    var best: [Double] = []
    var exhaustiveTimes: [Double] = []
    for window in windows {
      ours.append(saving(ThresholdTuner().tuned(for: window, ramps: ramps, profile: stream.profile, under: constraint)))
      greedy.append(saving(GreedyTuner().tuned(for: window, ramps: ramps, profile: stream.profile, under: constraint)))
      let (time, optimum) = try timed {
        try ExhaustiveTuner().tuned(for: window, ramps: ramps, profile: stream.profile, under: constraint)
      }
      best.append(saving(optimum))
      exhaustiveTimes.append(time)
    }
    func times(_ body: (ObservationWindow) throws -> Void) rethrows -> Distribution {
      Distribution(try (0..<repetitions).map { round in try timed { try body(windows[round % windows.count]) }.time })
    }
    func share(_ savings: [Double]) -> Double { savings.reduce(0, +) / max(best.reduce(0, +), .leastNonzeroMagnitude) }
    return Result(
      stream: stream.name, ramps: ramps.count, items: items, windows: windows.count,
      tuningMilliseconds: times {
        _ = ThresholdTuner().tuned(for: $0, ramps: ramps, profile: stream.profile, under: constraint)
      },
      greedyMilliseconds: times {
        _ = GreedyTuner().tuned(for: $0, ramps: ramps, profile: stream.profile, under: constraint)
      },
      exhaustiveMilliseconds: Distribution(exhaustiveTimes), savingOfOptimum: share(ours),
      greedySavingOfOptimum: share(greedy),
      leastSavingOfOptimum: zip(ours, best).map { $1 > 0 ? $0 / $1 : 1 }.min() ?? 1,
      adjustmentMilliseconds: try adjustmentTimes(stream, ramps),
      recordNanosecondsPerRamp: try recordTimes(stream))
  }

  private func timed<Value>(_ body: () throws -> Value) rethrows -> (time: Double, value: Value) {
    let clock = ContinuousClock()
    let start = clock.now
    let value = try body()
    return ((clock.now - start).seconds * 1e3, value)
  }

  /// Rounds of a controller that has seen the stream once; those that change ramps tune thresholds as well, which is timed apart.
  private func adjustmentTimes(_ stream: RecordedStream, _ ramps: [RampID]) throws -> Distribution {
    var options = ControllerOptions(accuracy: try AccuracyConstraint(accuracy))
    options.guarantee = .bounded
    var controller = try Controller(profile: stream.profile, options: options, initialRamps: ramps)
    try controller.learn(from: stream.window(0..<stream.count))
    _ = controller.update()
    options.tuningPeriod = .max
    controller = try Controller(
      decoding: controller.encoded(fingerprint: ""), fingerprint: "", profile: stream.profile, options: options)
    var rounds: [Double] = []
    for round in 0..<repetitions {
      for item in 0..<options.adjustmentPeriod {
        try controller.record(stream.item((round * options.adjustmentPeriod + item) % stream.count))
      }
      let active = controller.policy.ramps
      let (time, _) = timed { controller.update() }
      if controller.policy.ramps == active { rounds.append(time) }
    }
    return Distribution(rounds)
  }

  private func recordTimes(_ stream: RecordedStream) throws -> Distribution {
    var controller = try Controller(profile: stream.profile)
    let rows = (0..<stream.count).map { stream.item($0) }
    return Distribution(
      try (0..<repetitions).map { _ in
        let (time, _) = try timed { for row in rows { try controller.record(row) } }
        return time * 1e6 / Double(rows.count * stream.sites)
      })
  }
}

extension Controller {
  fileprivate mutating func record(_ item: (scores: [Float], agrees: [Bool])) throws(EarlyExitError) {
    try record(scores: item.scores.span, agrees: item.agrees.span, exit: .final, batchSize: 1)
  }
}
