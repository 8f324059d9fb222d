/// A ramp, named by the index of its site: 0 is the feasible site nearest to the model's input.
///
/// A site carries at most one ramp, so one number names both. A smaller `RampID` leaves the model earlier.
public struct RampID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: Int

  public init(rawValue: Int) { self.rawValue = rawValue }

  public init(_ site: Int) { rawValue = site }

  public static func < (left: RampID, right: RampID) -> Bool { left.rawValue < right.rawValue }

  public var description: String { "ramp \(rawValue)" }
}
