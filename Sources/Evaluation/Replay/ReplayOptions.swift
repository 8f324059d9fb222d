import Datasets
import EarlyExit

/// What to replay, and how.
public struct ReplayOptions: Sendable {
  public enum Speed: String, Sendable, CaseIterable {
    /// Items are sent when they are due.
    case realtime
    /// The next batch is sent when the last one has ended, and the controller works between batches: the same items give
    /// the same decisions, always.
    case fast
  }

  public var policy = ReplayPolicy.apparate
  public var guarantee = Guarantee.certified
  public var speed = Speed.realtime
  public var face = ReplayFace.engine
  /// After the stream, so many of its items are sent as fast as they are taken, to see how many that is a second.
  public var saturationItems = 0
  /// As it was written, and what it means.
  public var arrivals: (text: String, times: Arrivals) = ("fixed:25", .fixed(rate: 25))
  /// Nil is what the model was prepared for.
  public var accuracy: AccuracyConstraint?
  public var rampBudget: Double?
  public var largestBatch = 1
  /// Of random arrivals.
  public var seed: UInt64 = 0
  /// What the stream is called in reports.
  public var stream: [String] = []
  /// The stream runs in blocks of so many items, each without exits and then under the policy, so that both meet the same
  /// machine.
  public var blockItems = 128
  /// In place of the latencies of the model's file.
  public var profile: LatencyProfile?
  /// Changes what the controller is given, for comparisons.
  public var adjustController: (@Sendable (inout ControllerOptions) -> Void)?

  public init() {}
}
