/// What a controller is to hold, and how it works. Design §3 and §4.
public struct ControllerOptions: Sendable, Equatable {
  /// How thresholds are chosen on recorded items.
  public enum Tuner: String, Sendable, CaseIterable {
    /// The paper's hill climbing; see ``GreedyTuner``.
    case greedy
    /// See ``ThresholdTuner``.
    case beam
  }

  /// The share of answers that must equal the original model's own.
  public var accuracy: AccuracyConstraint
  /// By what part the active ramps may slow the whole model down.
  public var rampBudget = 0.02
  public var guarantee = Guarantee.certified
  /// `certified`: the probability with which a policy in force may break the constraint on exchangeable items.
  public var delta = 0.05
  public var tuner = Tuner.beam
  /// How many items are kept. `certified` needs many: with 1,536 certification items (three quarters of 2,048) a policy of 0.5 %
  /// disagreement is certified for 1 % half the time; with 299 only one without any.
  public var windowCapacity = 4096
  /// How many items lie between two tuning rounds.
  public var tuningPeriod = 256
  /// `window`: how many of the newest items are tuned on, and the last so many answers trigger a round. Paper §3.2.
  public var tuningItems = 512
  public var triggerItems = 16
  /// How many items lie between two adjustments of the ramps; 0 means the ramps stay. Paper §3.3.
  public var adjustmentPeriod = 128
  /// `bounded`: how many of the newest items decide how bold thresholds are, and how many times as often as tolerated a policy may
  /// have disagreed on them. On recorded streams 1.5 saved more than 1 or 2: the ledger throttles what is too bold, and nothing
  /// makes up for what is too timid.
  public var boundedItems = 1024
  public var boundedExcess = 1.5
  /// `certified`, `bounded`: every run of at least so many answers meets the constraint; see ``DisagreementLedger``.
  public var horizon = 2000.0
  /// `certified`, `bounded`: how many items lie at least between false alarms on average; see ``DriftDetector``.
  public var alarmSpacing = 10_000.0

  public init(accuracy: AccuracyConstraint) { self.accuracy = accuracy }

  /// 99 % agreement, certified.
  public init() { accuracy = .standard }

  /// The paper's controller: its tuner, its trigger, no certification.
  public static var paper: ControllerOptions {
    var options = ControllerOptions()
    options.guarantee = .window
    options.tuner = .greedy
    return options
  }

  func check() throws(EarlyExitError) {
    func require(_ holds: Bool, _ name: String, _ expected: String, _ got: String) throws(EarlyExitError) {
      guard holds else { throw .invalidOption(name: name, expected: expected, got: got) }
    }
    try require((0...1).contains(rampBudget), "ramp budget", "a share from 0 to 1", "\(rampBudget)")
    try require((16...(1 << 20)).contains(windowCapacity), "window capacity", "16 to 2^20 items", "\(windowCapacity)")
    try require(tuningPeriod >= 1, "tuning period", "at least 1 item", "\(tuningPeriod)")
    try require(tuningItems >= 1, "tuning items", "at least 1", "\(tuningItems)")
    try require(boundedItems >= 8, "bounded items", "at least 8", "\(boundedItems)")
    try require(boundedExcess > 0 && boundedExcess.isFinite, "bounded excess", "over 0", "\(boundedExcess)")
    try require((1...1024).contains(triggerItems), "trigger items", "1 to 1024", "\(triggerItems)")
    try require(adjustmentPeriod >= 0, "adjustment period", "0 or more items", "\(adjustmentPeriod)")
  }
}
