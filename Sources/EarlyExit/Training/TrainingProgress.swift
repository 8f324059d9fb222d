/// How far the training of one ramp has come.
public struct TrainingProgress: Sendable, Equatable {
  /// Which of the L2 strengths is being tried, from 0.
  public let strength: Int
  public let strengths: Int
  /// Of the optimiser, with this strength.
  public let iteration: Int
  public let maximumIterations: Int

  /// A share in [0, 1) that only grows; training may end before it reaches 1.
  public var fraction: Double {
    (Double(strength) + Double(iteration) / Double(maximumIterations)) / Double(strengths)
  }
}
