/// A share of the items of a window, chosen by their running numbers alone.
///
/// An item stays in its part for as long as it is held, whatever is learnt from it, so that the two parts stay
/// independent of one another when items are exchangeable. One item in four is for tuning: certifying needs the larger
/// part, because 299 items without a disagreement are the least that can certify 1 % at δ = 5 %.
public enum WindowPart: Sendable {
  case all
  case tuning
  case certification

  /// Every so many items one is for tuning.
  static let period: UInt64 = 4

  func contains(_ number: UInt64) -> Bool {
    switch self {
    case .all: true
    case .tuning: number % Self.period == 0
    case .certification: number % Self.period != 0
    }
  }
}
