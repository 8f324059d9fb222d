#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// How an answer's doubt is measured: 0 is certain, 1 is the most doubtful, and low scores leave early.
public enum ErrorScore: String, Sendable, CaseIterable, Codable {
  /// 1 − the largest probability.
  case oneMinusTop1 = "one-minus-top1"
  /// Entropy divided by that of the uniform distribution over as many classes.
  case normalisedEntropy = "normalised-entropy"

  /// The error score of one probability row. Allocates nothing; linear in the number of classes.
  ///
  /// A row that is no distribution (empty, or with a value that is negative, infinite or not a number) scores infinity,
  /// which no threshold releases.
  public func score(of probabilities: Span<Float>) -> Float {
    probabilities.withUnsafeBufferPointer { score(of: $0) }
  }

  /// The error score of one probability row in borrowed memory; see ``score(of:)-(Span<Float>)``.
  public func score(of probabilities: UnsafeBufferPointer<Float>) -> Float {
    guard !probabilities.isEmpty else { return .infinity }
    switch self {
    case .oneMinusTop1: return Self.oneMinusTop1(probabilities)
    case .normalisedEntropy: return Self.normalisedEntropy(probabilities)
    }
  }

  private static func oneMinusTop1(_ row: UnsafeBufferPointer<Float>) -> Float {
    var top: Float = 0
    var valid = true
    for probability in row {
      valid = valid && probability >= 0
      top = max(top, probability)
    }
    return valid && top.isFinite ? max(0, 1 - top) : .infinity
  }

  private static func normalisedEntropy(_ row: UnsafeBufferPointer<Float>) -> Float {
    guard row.count > 1 else { return row[0] >= 0 && row[0].isFinite ? 0 : .infinity }
    var entropy: Float = 0
    for probability in row {
      guard probability >= 0, probability.isFinite else { return .infinity }
      if probability > 0 { entropy -= probability * log(probability) }
    }
    return min(1, max(0, entropy / log(Float(row.count))))
  }
}
