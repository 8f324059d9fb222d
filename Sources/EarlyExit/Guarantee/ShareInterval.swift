/// Exact bounds of an unknown share, given how often it was met in independent trials (Clopper and Pearson 1934).
public struct ShareInterval: Sendable, Equatable {
  public let low: Double
  public let high: Double

  /// - Parameter confidence: that the share is within both bounds, for example 0.95. Without trials they are 0 and 1.
  public init(successes: Int, of trials: Int, confidence: Double) {
    let delta = (1 - confidence) / 2
    low = trials == 0 ? 0 : Binomial.lowerBound(successes: successes, of: trials, delta: delta)
    high = trials == 0 ? 1 : Binomial.upperBound(successes: successes, of: trials, delta: delta)
  }
}
