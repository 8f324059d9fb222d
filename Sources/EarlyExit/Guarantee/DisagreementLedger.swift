/// What released answers may still disagree: an account that every answer pays into and every disagreement is taken from.
///
/// Each answer pays in what the constraint tolerates (0.01 at 99 %), up to a balance of `capacity`; an answer that was not
/// the model's own takes 1. While the balance is below 1, nothing is released. Every input runs to the end of the model,
/// so the account is exact. Whatever the items are, drifting or adversarial, among any n answers in a row at most
/// tolerated × n + capacity disagree, apart from those already on their way when the account ran dry: these
/// make a debt, which is paid back before anything is released again. From the start on it is tolerated × n, since the
/// account opens empty. This bounds the damage of what certification cannot see; it needs no assumption and
/// no confidence level.
public struct DisagreementLedger: Sendable, Equatable {
  /// What one answer pays in.
  public let tolerated: Double
  public let capacity: Double
  public private(set) var balance = 0.0
  /// The balance at which releasing starts again after the account ran dry.
  let resume: Double
  /// Whether answers may be released.
  public private(set) var mayRelease = false

  /// - Throws: ``EarlyExitError/invalidOption(name:expected:got:)`` for a capacity below 1.
  public init(constraint: AccuracyConstraint, capacity: Double) throws(EarlyExitError) {
    guard capacity >= 1, capacity.isFinite else {
      throw .invalidOption(name: "ledger capacity", expected: "at least 1 disagreement", got: "\(capacity)")
    }
    tolerated = constraint.toleratedDisagreement
    self.capacity = capacity
    resume = min(capacity, 2)
  }

  /// Books one answer.
  mutating func book(disagrees: Bool) {
    balance = min(capacity, balance + tolerated) - (disagrees ? 1 : 0)
    if mayRelease {
      mayRelease = balance >= 1
    } else {
      mayRelease = balance >= resume
    }
  }

  mutating func restore(balance: Double, mayRelease: Bool) {
    self.balance = min(capacity, balance)
    self.mayRelease = mayRelease
  }
}
