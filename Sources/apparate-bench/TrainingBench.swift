import ArgumentParser
import Datasets
import EarlyExit
import Foundation

/// How long training one ramp takes, and how good it gets.
struct TrainingBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "training",
    abstract: "Measure how long training a ramp takes, on one thread.",
    discussion: """
      Without files, features are random clouds around one centre per class, as pooled vectors. With them, features \
      are a .npy file of float32 [items, features] or [items, channels, height, width], and answers one of integers \
      [items].
      """)

  @Option(help: "Items of the random bootstrap set.")
  var items = 2000

  @Option(name: .customLong("features"), help: "Features of an item.")
  var width = 512

  @Option(help: "Classes.")
  var classes = 3

  @Option(name: .customLong("features-file"), help: "Features to train on, instead of random ones.")
  var featuresFile: String?

  @Option(name: .customLong("answers-file"), help: "The model's answers for the features' items.")
  var answersFile: String?

  @Option(help: "Share of the items that train; the rest validates.")
  var share = TrainingSplit.defaultFraction

  @Option(help: "pooling-linear, deebert or conv-pool-linear.")
  var style = RampStyle.poolingLinear

  @Option(name: .customLong("repeat"), help: "Trainings.")
  var repetitions = 3

  @Flag(help: "Print one JSON object a line.")
  var json = false

  private struct Result: Encodable {
    let style: RampStyle
    let items: Int
    let features: Int
    let classes: Int
    let seconds: Distribution
    let iterations: Int
    let converged: Bool
    let l2: Float
    let temperature: Float
    let agreement: Double
    let negativeLogLikelihood: Double
    let calibrationError: Double
  }

  func validate() throws {
    guard (2...10_000_000).contains(items) else { throw ValidationError("--items is a number from 2 to 10000000") }
    guard (1...65536).contains(width) else { throw ValidationError("--features is a number from 1 to 65536") }
    guard (2...65536).contains(classes) else { throw ValidationError("--classes is a number from 2 to 65536") }
    guard repetitions >= 1 else { throw ValidationError("--repeat is at least 1") }
    guard (featuresFile == nil) == (answersFile == nil) else {
      throw ValidationError("--features-file and --answers-file go together")
    }
  }

  func run() throws {
    let (features, labels) = try featuresFile == nil ? random() : read()
    let split = try TrainingSplit(labels, trainingFraction: share)
    let trainer = try RampTrainer(style: style)
    let report = Report(json: json)
    let clock = ContinuousClock()
    var seconds: [Double] = []
    var last: TrainingReport?
    for round in 1...repetitions {
      report.progress("training \(round) of \(repetitions)")
      let duration = try clock.measure { last = try trainer.train(features, labels, split).report }
      seconds.append(Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18)
    }
    guard let last else { return }
    let result = Result(
      style: style, items: features.items, features: features.shape.count, classes: labels.classes,
      seconds: Distribution(seconds), iterations: last.iterations, converged: last.converged, l2: last.l2,
      temperature: last.temperature, agreement: last.validationAgreement, negativeLogLikelihood: last.calibratedNLL,
      calibrationError: last.calibratedECE)
    guard !json else { return report.line(result) }
    print(
      "\(style.rawValue), \(result.items) items (\(last.trainingItems) train) as \(features.shape), "
        + "\(result.classes) classes")
    print(
      String(
        format: "%.3f s [%.3f, %.3f], %d iterations%@; agreement %.4f, NLL %.4f, ECE %.4f, L2 %g, temperature %.2f",
        result.seconds.median, result.seconds.lowerQuartile, result.seconds.upperQuartile, result.iterations,
        result.converged ? "" : " (ran out)", result.agreement, result.negativeLogLikelihood, result.calibrationError,
        result.l2, result.temperature))
  }

  private func random() throws -> (FeatureMatrix, TeacherLabels) {
    var generator = SystemRandomNumberGenerator()
    let centres = (0..<classes * width).map { _ in Float.random(in: -1...1, using: &generator) }
    let answers = (0..<items).map { _ in Int.random(in: 0..<classes, using: &generator) }
    // Wide enough that classes overlap, however many features there are.
    let noise = 0.35 * Float(width).squareRoot()
    let values = answers.flatMap { answer in
      (0..<width).map { centres[answer * width + $0] + Float.random(in: -noise...noise, using: &generator) }
    }
    return (
      try FeatureMatrix(values, items: items, features: width), try TeacherLabels(answers: answers, classes: classes)
    )
  }

  private func read() throws -> (FeatureMatrix, TeacherLabels) {
    let features = try NumPyFile.read(at: featuresFile ?? "")
    let answers = try NumPyFile.read(at: answersFile ?? "").integers.map { Int($0) }
    let shape: FeatureShape
    switch features.shape.count {
    case 2: shape = .vector(features.shape[1])
    case 4: shape = .map(channels: features.shape[1], height: features.shape[2], width: features.shape[3])
    default: throw BenchError.invalidOption("features have the shape \(features.shape): expected two or four sizes")
    }
    return (
      try FeatureMatrix(features.floats, items: features.shape[0], shape: shape),
      try TeacherLabels(answers: answers, classes: max(classes, (answers.max() ?? 0) + 1))
    )
  }
}

extension RampStyle: ExpressibleByArgument {}
