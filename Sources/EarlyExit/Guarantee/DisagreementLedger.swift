/// What released answers may still disagree: an account that every answer pays into and every disagreement is taken from.
///
/// Each answer pays in a little less than the constraint tolerates, up to a balance of ``capacity``; an answer that was not
/// the model's own takes 1. While the balance is below 1, nothing is released. Every input runs to the end of the model,
/// so the account is exact. Whatever the items are, drifting or adversarial, among any n answers in a row at most
/// ``income`` × n + ``capacity`` disagree, which is within the constraint for every n ≥ ``horizon``. Answers already on their
/// way when the account runs dry come on top; they make a debt, which is paid back before anything is released again.
/// No assumption, no confidence level: this bounds the damage of what certification cannot see.
public struct DisagreementLedger: Sendable, Equatable {
  /// What one answer pays in.
  public let income: Double
  /// How many disagreements may come in a burst.
  public let capacity: Double
  /// Any run of at least so many answers meets the constraint.
  public let horizon: Double
  public private(set) var balance = 0.0
  /// The balance at which releasing starts again after the account ran dry.
  let resume: Double
  /// Whether answers may be released.
  public private(set) var mayRelease = false

  /// The share of what is tolerated that is kept back for bursts.
  static let reserve = 0.3

  /// - Parameter horizon: made longer where the constraint is so tight that a burst of two would not fit.
  /// - Throws: ``EarlyExitError/invalidOption(name:expected:got:)`` for a horizon below 1 item.
  public init(constraint: AccuracyConstraint, horizon: Double) throws(EarlyExitError) {
    guard horizon >= 1, horizon.isFinite else {
      throw .invalidOption(name: "ledger horizon", expected: "at least 1 answer", got: "\(horizon)")
    }
    let kept = constraint.toleratedDisagreement * Self.reserve
    income = constraint.toleratedDisagreement - kept
    capacity = max(2, kept * horizon)
    self.horizon = kept > 0 ? capacity / kept : .infinity
    resume = 2
    // Full at first: the bound allows it. Where nothing is tolerated, the account stays empty for good.
    book(balance: kept > 0 ? capacity : 0)
  }

  /// Books one answer.
  mutating func book(disagrees: Bool) {
    book(balance: min(capacity, balance + income) - (disagrees ? 1 : 0))
  }

  private mutating func book(balance new: Double) {
    balance = new
    mayRelease = new >= (mayRelease ? 1 : resume)
  }

  /// By what thresholds are multiplied: 1 with a comfortable balance, less as it shrinks, 0 while nothing may be released.
  ///
  /// What exits save grows ever more slowly with the disagreements they cost (on D1, a quarter of them buys two thirds of the saving), so
  /// it is better to release fewer doubtful answers in time than none at all later. The factor is a step of
  /// ``CertificationPath``.
  public var throttle: Float {
    guard mayRelease else { return 0 }
    return balance >= 2 ? 1 : 0.2046
  }

  mutating func restore(balance: Double, mayRelease: Bool) {
    self.balance = min(capacity, balance)
    self.mayRelease = mayRelease
  }
}
