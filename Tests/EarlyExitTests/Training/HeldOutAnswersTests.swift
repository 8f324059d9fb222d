import Testing

@testable import EarlyExit

@Suite struct HeldOutAnswersTests {
  @Test func noAnswerComesFromARampThatHasSeenItsItem() throws {
    // Features that only tell items apart: a ramp that has seen an item knows its answer, others have to guess.
    let items = 60
    var values = [Float](repeating: 0, count: items * items)
    for item in 0..<items { values[item * items + item] = 1 }
    var random = SplitMix(seed: 9)
    let labels = try TeacherLabels(answers: (0..<items).map { _ in Int.random(in: 0..<3, using: &random) }, classes: 3)
    let features = try FeatureMatrix(values, items: items, features: items)
    let all = Array(0..<items)
    let trainer = try RampTrainer()
    let ramp = try trainer.train(features, labels, TrainingSplit(training: all, validation: all, items: items))
    #expect(ramp.report.validationAgreement == 1)
    let heldOut = try trainer.heldOutAnswers(of: ramp, features, labels, errorScore: .oneMinusTop1)
    #expect(heldOut.agrees.count == items && heldOut.scores.count == items)
    #expect(heldOut.agrees.count(where: \.self) < items * 2 / 3)
  }

  @Test(arguments: ErrorScore.allCases) func answersAreAsGoodAsOnValidationItems(score: ErrorScore) throws {
    let bootstrap = try SyntheticBootstrap(items: 300, shape: .vector(6), classes: 3)
    let (features, labels) = (bootstrap.features, bootstrap.labels)
    let trainer = try RampTrainer()
    let ramp = try trainer.train(features, labels, bootstrap.split)
    var folds = 0
    let heldOut = try trainer.heldOutAnswers(of: ramp, features, labels, errorScore: score) { folds = $0 }
    #expect(folds == HeldOutAnswers.folds)
    let agreement = Double(heldOut.agrees.count(where: \.self)) / Double(labels.items)
    #expect(abs(agreement - ramp.report.validationAgreement) < 0.1)
    #expect(heldOut.scores.allSatisfy { (0...1).contains($0) })
    // Doubt means something: wrong answers are more doubtful than right ones on average.
    func mean(_ agrees: Bool) -> Float {
      let scores = zip(heldOut.scores, heldOut.agrees).filter { $0.1 == agrees }.map(\.0)
      return scores.reduce(0, +) / Float(max(1, scores.count))
    }
    #expect(mean(false) > mean(true))
    #expect(try heldOut == trainer.heldOutAnswers(of: ramp, features, labels, errorScore: score))
  }
}
