/// The upper limits of a histogram's buckets, ascending; the one without limit follows by itself.
public struct Buckets: Hashable, Sendable {
  public let limits: [Double]

  /// - Precondition: ascending, finite, at least one.
  public init(_ limits: [Double]) {
    precondition(!limits.isEmpty && zip(limits, limits.dropFirst()).allSatisfy(<) && limits.allSatisfy(\.isFinite))
    self.limits = limits
  }

  /// scale · growthᵏ for k from 0: TensorFlow's `Buckets::Exponential`.
  public static func exponential(scale: Double, growth: Double, count: Int) -> Buckets {
    var limit = scale
    return Buckets(
      (0..<count).map { _ in
        defer { limit *= growth }
        return limit
      })
  }

  /// The bucket that a value belongs to: the first whose limit is not below it. Logarithmic in the number of buckets.
  func index(of value: Double) -> Int {
    var (low, high) = (0, limits.count)
    while low < high {
      let middle = (low + high) / 2
      if limits[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
