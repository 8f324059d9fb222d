/// Where an item's answer came from.
public enum ExitPosition: Hashable, Sendable, CustomStringConvertible {
  /// The answer of a ramp was released early.
  case ramp(RampID)
  /// The answer is the model's own.
  case final

  public var description: String {
    switch self {
    case .ramp(let ramp): ramp.description
    case .final: "final head"
    }
  }
}
