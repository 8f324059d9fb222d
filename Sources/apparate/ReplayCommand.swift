import ArgumentParser
import Console
import Datasets
import EarlyExit
import Evaluation
import Foundation
import ModelGraph
import Serving

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Send a recorded stream through the engine and report latencies, exits and agreement.",
    discussion: """
      Each stretch of the stream runs twice, without exits and under the policy, in turns, so that both meet the same \
      machine. Answers are compared with the model's own.
      """)

  @Argument(help: "A prepared model, see `apparate prepare`.")
  var model: String

  @Option(
    name: .customLong("stream"),
    help: "The items, in order: FILE.npz, FILE.npy or FILE@ROWS (FROM:TO, or an array of positions); may be repeated.")
  var stream: [String]

  @OptionGroup var recipes: RecipeOptions

  @Option(help: "fixed:RATE, poisson:RATE, csv:FILE or csv:FILE@RATE, in items a second.")
  var arrivals = "fixed:25"

  @Option(help: "apparate, paper, vanilla, static-shared, static-per-ramp, hindsight or optimal.")
  var policy = ReplayPolicy.apparate.rawValue

  @Option(help: "The share of answers that must be the model's own (default: as prepared).")
  var accuracy: Double?

  @Option(help: "How much slower active ramps may make the model, as a share (default: as prepared).")
  var rampBudget: Double?

  @Option(help: "engine, tfserving or clockwork: through which face the stream goes, over loopback.")
  var through = ReplayFace.engine.rawValue

  @Option(help: "certified, bounded or window.")
  var guarantee = Guarantee.certified.rawValue

  @Option(help: "What one-time-tuned policies are tuned on; as --stream.")
  var bootstrap: [String] = []

  @Option(help: "Items that run together at most.")
  var batch = 1

  @Option(help: "realtime, or fast: as fast as the engine goes, without regard to arrivals.")
  var speed = ReplayOptions.Speed.realtime.rawValue

  @Option(help: "Of random arrivals.")
  var seed: UInt64 = 0

  @Option(name: .customLong("report"), help: "A folder for report.json and report.html.")
  var reportDirectory: String?

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var deviceOptions: DeviceOptions

  func run() throws {
    try reporting {
      var options = try replayOptions()
      let prepared = try preparedModel()
      options.accuracy = try accuracy.map { try Self.constraint($0) }
      let items = try recipes.items(stream, for: prepared.graph)
      let tuning = bootstrap.isEmpty ? nil : try recipes.items(bootstrap, for: prepared.graph)
      let bar = Console.Progress("replaying")
      let session = ReplaySession(
        prepared, name: URL(fileURLWithPath: model).lastPathComponent, device: try deviceOptions.select(),
        modelOptions: try deviceOptions.modelOptions(), options: options)
      let report = try session.replay(items, bootstrap: tuning) { bar.update($0, of: $1) }.report()
      bar.finish()
      if let reportDirectory { _ = try write(report, to: reportDirectory) }
      if json { try printJSON(report) } else { print(Self.text(of: report)) }
    }
  }

  private func preparedModel() throws -> PreparedModel {
    guard FileManager.default.fileExists(atPath: model) else { throw CommandError.noInput("\(model): no such file") }
    let prepared = try PreparedModel(path: model)
    guard !prepared.description.ramps.isEmpty else {
      throw CommandError.badData("\(EvaluationError.notPrepared(model: model))")
    }
    return prepared
  }

  private static func constraint(_ share: Double) throws -> AccuracyConstraint {
    do { return try AccuracyConstraint(share) } catch { throw CommandError.usage("--accuracy: \(error)") }
  }

  private func replayOptions() throws -> ReplayOptions {
    var options = ReplayOptions()
    options.policy = try choice("policy", policy)
    options.guarantee = try choice("guarantee", guarantee)
    options.speed = try choice("speed", speed)
    options.face = try choice("through", through)
    do { options.arrivals = (arrivals, try Arrivals(arrivals)) } catch { throw CommandError(error) }
    guard (1...4096).contains(batch) else { throw CommandError.usage("--batch must be from 1 to 4096, got \(batch)") }
    if let rampBudget, !(0...1).contains(rampBudget) {
      throw CommandError.usage("--ramp-budget must be a share from 0 to 1, got \(rampBudget)")
    }
    if options.policy.isStatic, bootstrap.isEmpty {
      throw CommandError.usage("--policy \(policy) is tuned on data that come before the stream: give --bootstrap")
    }
    options.rampBudget = rampBudget
    options.largestBatch = batch
    options.seed = seed
    options.stream = stream
    return options
  }

  private func choice<Choice: RawRepresentable & CaseIterable>(_ option: String, _ text: String) throws -> Choice
  where Choice.RawValue == String {
    guard let choice = Choice(rawValue: text) else {
      throw CommandError.usage(
        "--\(option) must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", ")), got \(text)")
    }
    return choice
  }

  static func text(of report: ReplayReport) -> String {
    func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }
    func number(_ value: Double) -> String { String(format: "%.3f", value) }
    var runs = Table(["", "median ms", "p95 ms", "p99 ms", "items/s"])
    for run in report.runs {
      let latency = run.latency
      runs.add([
        run.name, number(latency.median), number(latency.p95), number(latency.p99),
        run.name == "oracle" ? "" : String(format: "%.1f", run.throughput),
      ])
    }
    var parts = Table(["part", "items", "agreement", "95 % confidence", "left early", "vanilla ms", "median ms"])
    for part in report.parts {
      let agreement = part.agreement
      parts.add([
        part.name, "\(agreement.items)", percent(agreement.share),
        "\(percent(agreement.low)) to \(percent(agreement.high))", percent(part.exitShare),
        number(part.vanilla.median), number(part.latency.median),
      ])
    }
    return """
      \(runs.text)

      \(parts.text)

      median \(percent(abs(report.medianSaving))) \(report.medianSaving >= 0 ? "lower" : "higher"), \
      agreement \(percent(report.agreement.share)) (wanted \(percent(report.setup.accuracy)))
      """
  }
}

/// Writes report.json and report.html.
///
/// - Returns: the page's path.
func write(_ report: ReplayReport, to directory: String) throws -> String {
  let folder = URL(fileURLWithPath: directory, isDirectory: true)
  let page = folder.appendingPathComponent("report.html")
  do {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try encoder.encode(report).write(to: folder.appendingPathComponent("report.json"))
    try Data(ReportPage(report).html.utf8).write(to: page)
  } catch {
    throw CommandError.failed("the report cannot be written to \(directory): \(error.localizedDescription)")
  }
  return page.path
}
