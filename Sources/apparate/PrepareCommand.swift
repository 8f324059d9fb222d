import ArgumentParser
import Console
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import Preparation
import Serving
import Synchronization

struct PrepareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prepare",
    abstract: "Give a classifier ramps: find sites, train and calibrate a ramp for each, measure what they cost.",
    discussion: """
      The bootstrap data need no labels: ramps learn to give the model's own answers. The result is an ordinary ONNX file \
      with more outputs; the original is not touched and its outputs stay what they are, bit for bit.
      """)

  @Argument(help: "An ONNX file.")
  var model: String

  @Option(
    name: .customLong("bootstrap"),
    help:
      "Items like those to come: FILE.npz, FILE.npy or FILE@ROWS (FROM:TO, or an array of positions); may be repeated."
  )
  var bootstrap: [String]

  @OptionGroup var recipes: RecipeOptions

  @Option(help: "pooling-linear, deebert or conv-pool-linear.")
  var rampStyle = RampStyle.poolingLinear.rawValue

  @Option(help: "How much slower the active ramps may make the model, as a share.")
  var rampBudget = 0.02

  @Option(help: "The share of answers that must be the model's own.")
  var accuracy = 0.99

  @Option(help: "How doubt is measured: one-minus-top1 or normalised-entropy.")
  var errorScore = ErrorScore.oneMinusTop1.rawValue

  @Option(help: "The share of the items that ramps learn from; the others validate and calibrate.")
  var trainingShare = TrainingSplit.defaultFraction

  @Option(help: "Measure latencies at these batch sizes.")
  var batchSizes = "1,2,4,8"

  @Option(help: "Of the split into training and validation, and of random weights.")
  var seed: UInt64 = 0

  @Option(help: "Where to write the prepared model (default: MODEL.apparate.onnx beside the model).")
  var output: String?

  @Flag(
    help: """
      Leave the processors to others: run only when nobody else wants to. What is measured then says nothing, so latencies \
      are measured again where the model is served.
      """)
  var background = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var deviceOptions: DeviceOptions

  func run() throws {
    try reporting {
      // Before there are other threads, which inherit it.
      if background { BackgroundPriority.take() }
      let options = try preparationOptions()
      let graph = try importedModel(model)
      let items = try recipes.items(bootstrap, for: graph)
      let bars = StageBars()
      let preparation = try ModelPreparation(
        path: model, device: deviceOptions.select(), options: options, modelOptions: deviceOptions.modelOptions()
      ) { stage, done, total in bars.show(stage, done, of: total) }
      let outcome = try preparation.prepare(on: items)
      bars.finish()
      let path = output ?? defaultOutput
      var prepared = outcome.model
      if background { prepared.description.device = "" }
      try prepared.write(to: path, original: model)
      var report = outcome.report
      report.output = path
      if json { try printJSON(report) } else { print(Self.text(of: report)) }
    }
  }

  private var defaultOutput: String {
    let url = URL(fileURLWithPath: model)
    let name = url.pathExtension == "onnx" ? url.deletingPathExtension().lastPathComponent : url.lastPathComponent
    return url.deletingLastPathComponent().appendingPathComponent("\(name).apparate.onnx").path
  }

  private func preparationOptions() throws -> PreparationOptions {
    var options = PreparationOptions()
    guard let style = RampStyle(rawValue: rampStyle) else {
      throw CommandError.usage(
        "--ramp-style must be one of \(RampStyle.allCases.map(\.rawValue).joined(separator: ", ")), got \(rampStyle)")
    }
    guard let score = ErrorScore(rawValue: errorScore) else {
      throw CommandError.usage(
        "--error-score must be one of \(ErrorScore.allCases.map(\.rawValue).joined(separator: ", ")), got \(errorScore)"
      )
    }
    let sizes = batchSizes.split(separator: ",").compactMap { Int($0) }
    guard sizes.count == batchSizes.split(separator: ",", omittingEmptySubsequences: false).count else {
      throw CommandError.usage("--batch-sizes must be numbers separated by commas, got \(batchSizes)")
    }
    options.style = style
    options.errorScore = score
    options.batchSizes = sizes
    options.rampBudget = rampBudget
    options.trainingFraction = trainingShare
    options.seed = seed
    do { options.accuracy = try AccuracyConstraint(accuracy) } catch { throw CommandError.usage("\(error)") }
    return options
  }

  static func text(of report: PreparationReport) -> String {
    func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }
    var table = Table([
      "", "ramp", "site", "latency before", "agreement", "calibration", "temperature", "cost", "of the model",
    ])
    for site in report.sites {
      table.add([
        site.isActive ? "*" : "", "\(site.ramp)", site.name, percent(site.latencyShare), percent(site.agreement),
        String(format: "%.3f -> %.3f", site.uncalibratedError, site.calibratedError),
        String(format: "%.2f", site.temperature), String(format: "%.1f µs", site.costMilliseconds * 1e3),
        String(format: "%.2f %%", site.costShare * 100),
      ])
    }
    let times = report.seconds.sorted { $0.key < $1.key }.map { String(format: "%@ %.1f s", $0.key, $0.value) }
    return """
      \(table.text)

      agreement with the model on \(report.validationItems) items that ramps were not trained on (\(report.trainingItems) were for training); \
      calibration: mean distance of confidence and agreement, before and after
      \(String(format: "%.2f", report.latencyMilliseconds)) ms without ramps on \(report.device); \
      * active at first: \(String(format: "%.2f %%", report.slowdown * 100)) slower, the budget is \(percent(report.rampBudget))
      \(times.joined(separator: ", "))
      written to \(report.output)
      """
  }
}

/// One progress bar a stage, the former one cleared when the next begins.
private final class StageBars: Sendable {
  /// Guards which bar is shown.
  private let shown = Mutex<(stage: PreparationStage, bar: Console.Progress)?>(nil)

  func show(_ stage: PreparationStage, _ done: Int, of total: Int) {
    let bar = shown.withLock { shown -> Console.Progress in
      if let shown, shown.stage == stage { return shown.bar }
      shown?.bar.finish()
      let bar = Console.Progress(stage.label)
      shown = (stage, bar)
      return bar
    }
    bar.update(done, of: total)
  }

  func finish() {
    shown.withLock { shown in
      shown?.bar.finish()
      shown = nil
    }
  }
}
