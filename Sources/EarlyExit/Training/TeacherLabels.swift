/// The original model's own answers on the bootstrap set: what ramps learn to predict. No ground truth is needed.
public struct TeacherLabels: Sendable, Equatable {
  /// Length of the model's output.
  public let classes: Int
  /// Top-1 class of each item.
  public let answers: [Int]
  /// The model's probabilities, row-major [items, classes], if they are known: only soft targets need them.
  public let probabilities: [Float]?

  public var items: Int { answers.count }

  /// - Throws: ``EarlyExitError`` when there are no items, fewer than 2 classes, or values are out of range.
  public init(answers: [Int], classes: Int, probabilities: [Float]? = nil) throws(EarlyExitError) {
    guard classes >= 2 else { throw .invalidOption(name: "classes", expected: "at least 2", got: "\(classes)") }
    guard !answers.isEmpty else { throw .noItems }
    for (item, answer) in answers.enumerated() where !(0..<classes).contains(answer) {
      throw .invalidAnswer(item: item, expected: "a class from 0 to \(classes - 1)", got: "\(answer)")
    }
    if let probabilities { try Self.check(probabilities, items: answers.count, classes: classes) }
    self.classes = classes
    self.answers = answers
    self.probabilities = probabilities
  }

  private static func check(_ probabilities: [Float], items: Int, classes: Int) throws(EarlyExitError) {
    let count = LayerShape.elementCount([items, classes]) ?? .max
    try LayerShape.require(probabilities.count, count, "the model's probabilities for \(items) items")
    for item in 0..<items {
      let row = probabilities[item * classes..<(item + 1) * classes]
      let sum = row.reduce(0, +)
      // Written so that NaN fails. Half-precision models round each probability.
      guard row.allSatisfy({ $0 >= 0 }), abs(sum - 1) <= 0.01 else {
        throw .invalidAnswer(
          item: item, expected: "probabilities from 0 to 1 with sum 1", got: "minimum \(row.min() ?? 0), sum \(sum)")
      }
    }
  }
}
