import EarlyExit

/// How a model is prepared.
public struct PreparationOptions: Sendable {
  public var style = RampStyle.poolingLinear
  /// How much active ramps may slow the model down, as a share.
  public var rampBudget = 0.02
  /// The share of answers that must be the model's own.
  public var accuracy = AccuracyConstraint.standard
  public var errorScore = ErrorScore.oneMinusTop1
  /// The share of the bootstrap items that ramps learn from; the others validate and calibrate.
  public var trainingFraction = TrainingSplit.defaultFraction
  /// Of the split, and of the random weights where deeper styles start.
  public var seed: UInt64 = 0
  /// Latencies are measured at these batch sizes.
  public var batchSizes = [1, 2, 4, 8]
  /// Items that run together while features are collected.
  public var collectionBatch = 32
  /// Features held at a time, in floats. Where all sites have more, the bootstrap set runs more than once.
  public var featureLimit = 1 << 28

  public init() {}

  func check() throws(PreparationError) {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ got: String) throws(PreparationError) {
      guard holds else { throw .invalidOption(name: name, expected: expected, got: got) }
    }
    try require(rampBudget >= 0 && rampBudget <= 1, "ramp budget", "a share from 0 to 1", "\(rampBudget)")
    try require(
      trainingFraction > 0 && trainingFraction < 1, "training fraction", "a share above 0 and below 1",
      "\(trainingFraction)")
    try require(
      !batchSizes.isEmpty && batchSizes.allSatisfy { (1...4096).contains($0) }, "batch sizes", "numbers from 1 to 4096",
      "\(batchSizes)")
    try require(collectionBatch >= 1, "collection batch", "at least 1", "\(collectionBatch)")
  }
}

/// Why a model cannot be prepared.
public enum PreparationError: Error, Sendable, Equatable, CustomStringConvertible {
  case invalidOption(name: String, expected: String, got: String)
  /// No place for a ramp.
  case noSites(model: String)
  /// An item whose features or scores are not finite teaches nothing.
  case notFinite(tensor: String, firstItem: Int)
  case tooFewItems(count: Int, least: Int)
  /// All bootstrap items get the same answer.
  case singleAnswer(answer: Int, items: Int)

  public var description: String {
    switch self {
    case .invalidOption(let name, let expected, let got): "\(name): expected \(expected), got \(got)"
    case .noSites(let model):
      "\(model) has no place for a ramp: no tensor before its classifier separates what comes before from what comes after"
    case .notFinite(let tensor, let item):
      "the model's \"\(tensor)\" is not finite for an item of the batch that starts at bootstrap item \(item)"
    case .tooFewItems(let count, let least): "\(count) bootstrap items are too few: at least \(least) are needed"
    case .singleAnswer(let answer, let items):
      "the model answers class \(answer) for all \(items) bootstrap items; ramps need to see two classes at least"
    }
  }
}
