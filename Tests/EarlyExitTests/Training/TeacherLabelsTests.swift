import EarlyExit
import Testing

@Suite struct TeacherLabelsTests {
  @Test func refusesAnswersThatAreNoClass() {
    #expect(throws: EarlyExitError.noItems) { try TeacherLabels(answers: [], classes: 2) }
    #expect(throws: EarlyExitError.invalidAnswer(item: 1, expected: "a class from 0 to 2", got: "3")) {
      try TeacherLabels(answers: [0, 3], classes: 3)
    }
    #expect(throws: EarlyExitError.self) { try TeacherLabels(answers: [-1], classes: 3) }
    #expect(throws: EarlyExitError.invalidOption(name: "classes", expected: "at least 2", got: "1")) {
      try TeacherLabels(answers: [0], classes: 1)
    }
  }

  @Test(arguments: [
    [0.5, 0.5, 0.2, 0.9], [0.5, 0.5, -0.1, 1.1], [0.5, 0.5, Float.nan, 0.5], [0.5, 0.5], [0.5, 0.5, .infinity, 0],
  ])
  func refusesProbabilitiesThatAreNone(probabilities: [Float]) {
    #expect(throws: EarlyExitError.self) {
      try TeacherLabels(answers: [0, 1], classes: 2, probabilities: probabilities)
    }
  }
}
