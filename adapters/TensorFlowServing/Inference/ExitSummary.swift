import EarlyExit

/// The value of `apparate-exit`, in gRPC's response metadata and as a header of REST's answers: where each item's answer
/// came from. One word when it is the same for all (`final`, `ramp-3`), otherwise one for each item, in order, with
/// commas; for very many items that differ, `mixed`.
public enum ExitSummary {
  public static let metadataKey = "apparate-exit"
  /// What asks for the model's own answer when its value is 1.
  public static let exactKey = "apparate-exact"

  /// Headers have a limit of some kilobytes.
  private static let itemLimit = 256

  /// - Returns: nil when there are no items.
  public static func text(_ exits: [ExitPosition]) -> String? {
    guard let first = exits.first else { return nil }
    if exits.allSatisfy({ $0 == first }) { return word(first) }
    guard exits.count <= itemLimit else { return "mixed" }
    return exits.map(word).joined(separator: ",")
  }

  /// What ``text(_:)`` made of the exits of so many items; nil when it says less than that.
  public static func exits(_ text: String, count: Int) -> [ExitPosition]? {
    let words = text.split(separator: ",", omittingEmptySubsequences: false).map { word -> ExitPosition? in
      if word == "final" { return .final }
      guard word.hasPrefix("ramp-") else { return nil }
      return Int(word.dropFirst("ramp-".count)).map { .ramp(RampID($0)) }
    }
    let exits = words.compactMap(\.self)
    guard exits.count == words.count, let first = exits.first else { return nil }
    if exits.count == 1 { return Array(repeating: first, count: count) }
    return exits.count == count ? exits : nil
  }

  private static func word(_ exit: ExitPosition) -> String {
    switch exit {
    case .final: "final"
    case .ramp(let ramp): "ramp-\(ramp.rawValue)"
    }
  }
}
