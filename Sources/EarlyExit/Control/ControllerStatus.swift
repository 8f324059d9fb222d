/// What a person wants to see of a controller.
public struct ControllerStatus: Sendable, Equatable {
  public struct Ramp: Sendable, Equatable {
    public let ramp: RampID
    /// As published; 0 while nothing may leave there.
    public let threshold: Float
    /// Of the items held in the window, the share whose answer was released here.
    public let exitRate: Double
    /// Of the items observed here, the share for which its answer was the model's own.
    public let agreement: Double
    /// Seconds per item: what exits here saved less what the ramp cost items that went on. Nil before the first adjustment.
    public let utility: Double?
  }

  public enum Alarm: Sendable, Equatable {
    /// The sequential test found the policy to disagree more than tolerated, probably since item `since`.
    case drift(at: UInt64, since: UInt64)
    /// `window`: the last answers fell short of the constraint.
    case belowConstraint(at: UInt64)
  }

  /// How many answers were recorded, and how many of those that might leave early did not equal the model's own.
  public let answers: UInt64
  public let disagreements: UInt64
  /// The share of answers that equalled the model's own over all of them, with the 95 % Clopper–Pearson interval.
  public let agreement: Double
  public let agreementInterval: ClosedRange<Double>
  public let ramps: [Ramp]
  /// The share of answers in the window that left early.
  public let exitRate: Double
  /// How many items the window holds.
  public let windowItems: Int
  /// What the ledger holds and whether it stops exits; always full of hope in `window` mode, where there is none.
  public let ledgerBalance: Double
  public let isPaused: Bool
  /// 0 is not at all, 1 is an alarm.
  public let suspicion: Double
  public let lastAlarm: Alarm?
  /// How many alarms there were.
  public let alarms: UInt64
  public let policyVersion: UInt64
}
