/// Which items of the bootstrap set train a ramp and which validate it.
///
/// The draw is seeded and keeps the classes' shares, so that a rare class reaches the training part whenever it occurs.
public struct TrainingSplit: Sendable, Equatable {
  /// The paper splits the bootstrap set 1:9 into training and validation (§4.1), and its sets are large.
  public static let paperFraction = 0.1
  /// Bootstrap sets of a few thousand items are better spent on training. With the 2,000 items of the traffic workload,
  /// logistic regressions by scikit-learn let this share of the stream leave ResNet-18 at a mean site, each with its
  /// best threshold for 1 % disagreement in hindsight: 62 % for a training share of 0.1, 74 % for 0.5, 77 % for 0.6,
  /// 78 % for 0.8 and 0.9 (two seeds); Lite0 at six sites: 11 % for 0.1, 27 % for 0.5, 28 to 30 % from 0.7 on (three).
  public static let defaultFraction = 0.8

  /// Ascending indices. Neither is empty; with one item per class both are all items.
  public let training: [Int]
  public let validation: [Int]

  /// - Throws: ``EarlyExitError/invalidOption(name:expected:got:)`` unless 0 < `trainingFraction` < 1.
  public init(
    _ labels: TeacherLabels, trainingFraction: Double = defaultFraction, seed: UInt64 = 0
  ) throws(EarlyExitError) {
    guard trainingFraction > 0, trainingFraction < 1 else {
      throw .invalidOption(
        name: "trainingFraction", expected: "a share above 0 and below 1", got: "\(trainingFraction)")
    }
    var generator = SplitMix64(seed: seed)
    var itemsOfClass = [[Int]](repeating: [], count: labels.classes)
    for (item, answer) in labels.answers.enumerated() { itemsOfClass[answer].append(item) }

    var training: [Int] = []
    var validation: [Int] = []
    for var items in itemsOfClass where !items.isEmpty {
      generator.shuffle(&items)
      let share = max(1, Int((Double(items.count) * trainingFraction).rounded()))
      training += items.prefix(share)
      validation += items.dropFirst(share)
    }
    // Every class has one item only: better to validate on what was seen than not at all.
    if validation.isEmpty { validation = training }
    self.training = training.sorted()
    self.validation = validation.sorted()
  }

  /// A split that was drawn elsewhere.
  ///
  /// - Throws: ``EarlyExitError`` when a part is empty or an index is not in `0..<items`.
  public init(training: [Int], validation: [Int], items: Int) throws(EarlyExitError) {
    for part in [training, validation] {
      guard !part.isEmpty else { throw .noItems }
      if let index = part.first(where: { !(0..<items).contains($0) }) {
        throw .invalidOption(name: "split", expected: "indices from 0 to \(items - 1)", got: "\(index)")
      }
    }
    self.training = training
    self.validation = validation
  }
}
