import Datasets
import Foundation
import Testing

@testable import EarlyExit

/// Ramps of both traffic models against scikit-learn's logistic regression, on the same features, labels and split.
@Suite struct ScikitLearnTests {
  /// A site of a model, as `make_ramps.py` describes it.
  struct Site: Decodable, Sendable, CustomStringConvertible {
    let name: String
    let features: String
    let answers: String
    let training: String
    let validation: String
    let classes: Int
    let strengths: [Float]
    /// Agreement on the validation items for each of the strengths.
    let each: [Double]
    /// Which of the strengths has the least log loss on the validation items, with its agreement and top-1 classes.
    let l2: Float
    let agreement: Double
    let predictions: String

    var description: String { name }
  }

  private struct Manifest: Decodable { let sites: [Site] }

  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static let sites: [Site] = {
    guard let data = try? Data(contentsOf: root.appendingPathComponent(".build-fixtures/ramps/manifest.json")) else {
      return []
    }
    return (try? JSONDecoder().decode(Manifest.self, from: data))?.sites ?? []
  }()

  private static func integers(_ file: String) throws -> [Int] {
    try NumPyFile.read(at: root.appendingPathComponent(file).path).integers.map { Int($0) }
  }

  @Test func hasFixtures() {
    #expect(!Self.sites.isEmpty, "run .ci/fixtures first: it trains the ramps that ours are compared with")
  }

  @Test(arguments: sites)
  func agreesWithTheModelAsOftenAsScikitLearn(at site: Site) throws {
    let values = try NumPyFile.read(at: Self.root.appendingPathComponent(site.features).path)
    let features = try FeatureMatrix(values.floats, items: values.shape[0], features: values.shape[1])
    let labels = try TeacherLabels(answers: Self.integers(site.answers), classes: site.classes)
    let validation = try Self.integers(site.validation)
    let split = try TrainingSplit(
      training: Self.integers(site.training), validation: validation, items: labels.items)
    var options = TrainingOptions(for: .poolingLinear)
    options.l2Strengths = site.strengths
    let ramp = try RampTrainer(options: options).train(features, labels, split)

    #expect(
      abs(ramp.report.validationAgreement - site.agreement) <= 0.005,
      "ours \(ramp.report.validationAgreement) with L2 \(ramp.report.l2), theirs \(site.agreement) with \(site.l2)")
    #expect(ramp.report.l2 == site.l2, "another strength")
    let logits = try ramp.weights.logits(of: features.rows(validation))
    let answers = validation.map { labels.answers[$0] }
    let ours = Predictions(classes: site.classes, logits: logits, answers: answers).topClasses
    let different = zip(ours, try Self.integers(site.predictions)).count { $0 != $1 }
    #expect(different <= validation.count / 100, "\(different) of \(validation.count) answers differ")
  }
}
