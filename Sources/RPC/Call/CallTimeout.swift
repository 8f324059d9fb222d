import NIOCore

/// The header `grpc-timeout`: at most eight digits and a unit.
enum CallTimeout {
  /// No call is given longer than this; a greater timeout would overflow the clock before it ended.
  private static let longest = TimeAmount.hours(24 * 365)

  static func parse(_ text: String) -> TimeAmount? {
    let digits = text.utf8.dropLast()
    guard (1...8).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
      let unit = text.utf8.last, let nanoseconds = nanoseconds(of: unit)
    else { return nil }
    let count = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
    let (product, overflow) = count.multipliedReportingOverflow(by: nanoseconds)
    return overflow ? longest : min(.nanoseconds(product), longest)
  }

  /// The most precise form that eight digits hold, rounded up: the callee must not give up before the caller does.
  static func text(_ timeout: TimeAmount) -> String {
    let nanoseconds = max(0, timeout.nanoseconds)
    for (unit, size) in units.reversed() {
      let count = nanoseconds / size + (nanoseconds % size == 0 ? 0 : 1)
      if count <= 99_999_999 { return "\(count)\(unit)" }
    }
    return "99999999H"
  }

  private static let units: [(Character, Int64)] = [
    ("H", 3_600_000_000_000), ("M", 60_000_000_000), ("S", 1_000_000_000), ("m", 1_000_000), ("u", 1000), ("n", 1),
  ]

  private static func nanoseconds(of unit: UInt8) -> Int64? {
    units.first { $0.0.asciiValue == unit }?.1
  }
}
