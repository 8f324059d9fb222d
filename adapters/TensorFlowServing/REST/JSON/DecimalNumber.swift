/// A number as its decimal digits say it: ± digits · 10^exponent, and what binary number is nearest to it.
struct DecimalNumber {
  enum Whole {
    case signed(Int64)
    case unsigned(UInt64)
  }

  /// More digits than fit 64 bits do not change the number read here; they are dropped and noted.
  private static let digitLimit = 19

  let isNegative: Bool
  var exponent = 0
  private var digits: UInt64 = 0
  private var count = 0
  /// Whether digits have been dropped.
  private var isCut = false
  /// The number, as long as there was no fraction and it fits.
  private var wholeValue: UInt64? = 0

  init(isNegative: Bool) { self.isNegative = isNegative }

  /// A digit before the point.
  @inline(__always)
  mutating func append(_ digit: UInt8) {
    let value = UInt64(digit &- UInt8(ascii: "0"))
    if count < Self.digitLimit {
      digits = digits &* 10 &+ value
      if digits > 0 { count += 1 }
      wholeValue = digits
    } else {
      exponent += 1
      isCut = isCut || value != 0
      let (product, overflow) = (wholeValue ?? 0).multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(value)
      wholeValue = overflow || carry || wholeValue == nil ? nil : sum
    }
  }

  /// A digit after the point.
  @inline(__always)
  mutating func appendFraction(_ digit: UInt8) {
    let value = UInt64(digit &- UInt8(ascii: "0"))
    if count < Self.digitLimit {
      digits = digits &* 10 &+ value
      if digits > 0 { count += 1 }
      exponent -= 1
    } else {
      isCut = isCut || value != 0
    }
  }

  /// A number without fraction and exponent, when it fits 64 bits.
  var whole: Whole? {
    guard let magnitude = wholeValue else { return nil }
    if isNegative {
      guard magnitude <= 1 << 63 else { return nil }
      return .signed(Int64(truncatingIfNeeded: 0 &- magnitude))
    }
    return magnitude <= UInt64(Int64.max) ? .signed(Int64(magnitude)) : .unsigned(magnitude)
  }

  /// The nearest double, ties to even; `nil` where 128 bits do not suffice to know it.
  var double: Double? {
    guard !isCut else { return nil }
    guard digits != 0 else { return isNegative ? -0.0 : 0 }
    guard -Self.largestPower...Self.largestPower ~= exponent else { return nil }
    let magnitude: Double
    if digits < 1 << 53, -22...22 ~= exponent {
      // Both are exact doubles, so that one operation rounds once. Clinger 1990.
      let power = Self.exactPowers[abs(exponent)]
      magnitude = exponent < 0 ? Double(digits) / power : Double(digits) * power
    } else if exponent < 0 {
      magnitude = Self.quotient(digits, Self.powers[-exponent])
    } else {
      magnitude = Self.product(digits, Self.powers[exponent])
    }
    return isNegative ? -magnitude : magnitude
  }

  /// 10^19 is the largest that fits 64 bits.
  private static let largestPower = 19
  private static let powers: [UInt64] = (0...largestPower).map { (0..<$0).reduce(1) { power, _ in power * 10 } }
  private static let exactPowers: [Double] = (0...22).map { (0..<$0).reduce(1) { power, _ in power * 10 } }

  /// numerator / divisor, rounded once: 64 bits of the quotient and whether anything is left.
  private static func quotient(_ numerator: UInt64, _ divisor: UInt64) -> Double {
    let (numeratorShift, divisorShift) = (numerator.leadingZeroBitCount, divisor.leadingZeroBitCount)
    var high = numerator << numeratorShift
    let normalized = divisor << divisorShift
    var scale = divisorShift - numeratorShift - 64
    var low: UInt64 = 0
    // The quotient of what is divided and `normalized` must fit 64 bits.
    if high >= normalized {
      low = high << 63
      high >>= 1
      scale += 1
    }
    let (bits, rest) = normalized.dividingFullWidth((high, low))
    return rounded(bits, isInexact: rest != 0, scale: scale)
  }

  private static func product(_ a: UInt64, _ b: UInt64) -> Double {
    let (high, low) = a.multipliedFullWidth(by: b)
    guard high != 0 else { return Double(low) }
    let shift = high.leadingZeroBitCount
    let top = shift == 0 ? high : high << shift | low >> (64 - shift)
    let rest = shift == 0 ? low : low << shift
    return rounded(top, isInexact: rest != 0, scale: 64 - shift)
  }

  /// bits · 2^scale; `isInexact`: there is a little more. The result is a normal number.
  private static func rounded(_ bits: UInt64, isInexact: Bool, scale: Int) -> Double {
    let shift = bits.leadingZeroBitCount
    // The lowest bit stands for all that follow: 64 bits are more than 53 and that one. A quotient has 63 at least.
    let sticky = (bits << shift) | (isInexact ? 1 : 0)
    return Double(bitPattern: Double(sticky).bitPattern &+ UInt64(bitPattern: Int64(scale - shift)) << 52)
  }

  /// For the numbers that ``double`` leaves: many digits, or very large or small.
  static func slowDouble(_ text: Slice<UnsafeRawBufferPointer>) -> Double {
    // Swift's own reading, which is exact and independent of the locale.
    Double(String(decoding: text, as: UTF8.self)) ?? .nan
  }
}
