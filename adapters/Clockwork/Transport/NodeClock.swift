/// Points in time and durations of the protocol, in nanoseconds.
public typealias Nanoseconds = UInt64

extension Nanoseconds {
  /// A duration; negative ones count as zero.
  public init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self =
      seconds < 0 || attoseconds < 0
      ? 0 : Nanoseconds(seconds) * 1_000_000_000 + Nanoseconds(attoseconds / 1_000_000_000)
  }

  /// Text for people, in milliseconds.
  var milliseconds: String { "\(Double(self / 1000) / 1000) ms" }
}

/// The clock of one node: the wall clock as it was when the process began, and steady from then on, as every process of
/// Clockwork has it. Any other base works as well.
public struct NodeClock: Sendable {
  private let origin: ContinuousClock.Instant
  private let originTime: Nanoseconds

  /// - Parameter offset: of this node's clock from the wall clock, for tests.
  public init(offset: Duration = .zero) {
    let wall = SystemWallClock.nanosecondsSinceEpoch()
    origin = .now
    originTime =
      offset < .zero
      ? wall - Nanoseconds(.zero - offset)
      : wall + Nanoseconds(offset)
  }

  public func now() -> Nanoseconds { time(of: .now) }

  public func time(of instant: ContinuousClock.Instant) -> Nanoseconds {
    instant < origin ? originTime - Nanoseconds(origin - instant) : originTime + Nanoseconds(instant - origin)
  }
}
