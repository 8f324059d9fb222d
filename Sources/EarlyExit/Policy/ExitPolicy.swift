/// Which ramps run and when an item may leave at each: one immutable value, swapped as a whole between batches.
///
/// An item leaves at the first active ramp whose error score is below that ramp's threshold. A threshold of 0 releases
/// nothing, because scores are not negative; neither does a score that is not a number. Design §2.
public struct ExitPolicy: Sendable, Equatable {
  /// An active ramp and the error score below which its answers are released.
  public struct Exit: Sendable, Equatable {
    public let ramp: RampID
    public let threshold: Float

    public init(ramp: RampID, threshold: Float) {
      self.ramp = ramp
      self.threshold = threshold
    }

    /// Whether an answer with this error score leaves here.
    @inlinable public func releases(_ score: Float) -> Bool { score < threshold }
  }

  /// The active ramps from input to output.
  public let exits: [Exit]
  /// Grows by one with each policy of a controller.
  public let version: UInt64

  /// - Throws: ``EarlyExitError`` when ramps are not in strictly ascending order or a threshold is negative or infinite.
  public init(version: UInt64, exits: [Exit]) throws(EarlyExitError) {
    for (index, exit) in exits.enumerated() {
      guard exit.threshold.isFinite, exit.threshold >= 0 else {
        throw .invalidThreshold(ramp: exit.ramp, value: exit.threshold)
      }
      if index > 0, exits[index - 1].ramp >= exit.ramp {
        throw .unorderedRamps(before: exits[index - 1].ramp, after: exit.ramp)
      }
    }
    self.init(version: version, validated: exits)
  }

  init(version: UInt64, validated exits: [Exit]) {
    self.version = version
    self.exits = exits
  }

  /// No ramp is active: the model as it is.
  public static let none = ExitPolicy(version: 0, validated: [])

  /// The active ramps from input to output.
  public var ramps: [RampID] { exits.map(\.ramp) }

  /// Whether any item can leave early.
  public var releasesAnything: Bool { exits.contains { $0.threshold > 0 } }

  /// Where an item with these scores leaves. Allocates nothing.
  ///
  /// - Parameter scores: one error score per active ramp, in the order of ``exits``; missing ones do not exit.
  public func decide(_ scores: Span<Float>) -> ExitPosition {
    for index in 0..<min(scores.count, exits.count) where exits[index].releases(scores[index]) {
      return .ramp(exits[index].ramp)
    }
    return .final
  }

  /// The same active ramps with every threshold multiplied, for example by 0 to stop all exits at once.
  ///
  /// - Parameter factor: from 0 to 1; anything else counts as 0.
  public func scaled(by factor: Float, version: UInt64) -> ExitPolicy {
    let factor = (0...1).contains(factor) ? factor : 0
    return ExitPolicy(
      version: version, validated: exits.map { Exit(ramp: $0.ramp, threshold: $0.threshold * factor) })
  }
}
