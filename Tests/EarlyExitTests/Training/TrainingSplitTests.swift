import Testing

@testable import EarlyExit

@Suite struct TrainingSplitTests {
  private func labels(_ counts: [Int]) throws -> TeacherLabels {
    try TeacherLabels(
      answers: counts.enumerated().flatMap { [Int](repeating: $0.offset, count: $0.element) }, classes: counts.count)
  }

  @Test(arguments: [TrainingSplit.paperFraction, 0.5, TrainingSplit.defaultFraction, 0.99])
  func keepsTheSharesOfClassesAndLosesNoItem(fraction: Double) throws {
    let counts = [200, 100, 40, 1]
    let labels = try labels(counts)
    let split = try TrainingSplit(labels, trainingFraction: fraction, seed: 5)
    #expect((split.training + split.validation).sorted() == Array(0..<labels.items))
    for (label, count) in counts.enumerated() {
      let drawn = split.training.count { labels.answers[$0] == label }
      #expect(abs(Double(drawn) - Double(count) * fraction) <= 1, "class \(label): \(drawn) of \(count)")
    }
    #expect(split.training.contains(labels.items - 1), "the only item of a class belongs to training")
  }

  @Test func isDrawnBySeed() throws {
    let labels = try labels([50, 50])
    #expect(try TrainingSplit(labels, seed: 1) == TrainingSplit(labels, seed: 1))
    #expect(try TrainingSplit(labels, seed: 1) != TrainingSplit(labels, seed: 2))
  }

  @Test func validatesOnTrainingItemsWhenThereAreNoOthers() throws {
    let split = try TrainingSplit(labels([1, 1]))
    #expect(split.training == [0, 1] && split.validation == [0, 1])
  }

  @Test(arguments: [0, 1, -0.1, 1.5, Double.nan])
  func refusesSharesThatLeaveAPartEmpty(fraction: Double) throws {
    let labels = try labels([5, 5])
    #expect(throws: EarlyExitError.self) { try TrainingSplit(labels, trainingFraction: fraction) }
  }

  @Test func refusesIndicesBeyondTheItems() {
    #expect(throws: EarlyExitError.noItems) { try TrainingSplit(training: [], validation: [1], items: 2) }
    #expect(throws: EarlyExitError.invalidOption(name: "split", expected: "indices from 0 to 1", got: "2")) {
      try TrainingSplit(training: [0], validation: [2], items: 2)
    }
  }
}
