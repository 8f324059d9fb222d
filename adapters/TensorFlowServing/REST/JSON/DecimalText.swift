#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Floating-point numbers as TensorFlow Serving writes them: six digits (`%g`) where they tell the number, else as many as
/// tell any (nine, seventeen); `.0` behind whole numbers; `NaN`, `Infinity`.
enum DecimalText {
  static func append(_ value: Float, to bytes: inout [UInt8]) {
    guard value.isFinite else { return appendNotFinite(Double(value), to: &bytes) }
    if value.isSubnormal { return appendSubnormal(value, digits: 9, to: &bytes) }
    // The shortest digits that tell the number, when six are enough, are those of %g: of so few digits no two numbers
    // are the same float.
    let shortest = decimal(value.description)
    if shortest.digits.count <= 6 {
      appendGeneral(shortest, precision: 6, to: &bytes)
    } else if let digits = NineDigits(value) {
      appendGeneral(digits.decimal(isNegative: value < 0), precision: 9, to: &bytes)
    } else {
      appendGeneral(decimal(printed(Double(value), digits: 9)), precision: 9, to: &bytes)
    }
  }

  static func append(_ value: Double, to bytes: inout [UInt8]) {
    guard value.isFinite else { return appendNotFinite(value, to: &bytes) }
    if value.isSubnormal { return appendSubnormal(value, digits: 17, to: &bytes) }
    let shortest = decimal(value.description)
    if shortest.digits.count <= 6 {
      appendGeneral(shortest, precision: 6, to: &bytes)
    } else {
      appendGeneral(decimal(printed(value, digits: 17)), precision: 17, to: &bytes)
    }
  }

  /// Of these, several numbers of six digits can be the same.
  private static func appendSubnormal<Number: BinaryFloatingPoint & LosslessStringConvertible>(
    _ value: Number, digits: Int, to bytes: inout [UInt8]
  ) {
    let short = printed(Double(value), digits: 6)
    let tells = Number(short) == value
    appendGeneral(
      decimal(tells ? short : printed(Double(value), digits: digits)), precision: tells ? 6 : digits, to: &bytes)
  }

  /// ± 0.d₁d₂… · 10^point, without zeros at either end; no digits for zero.
  struct Decimal {
    var isNegative: Bool
    var digits: [UInt8]
    var point: Int
  }

  private static func appendNotFinite(_ value: Double, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: (value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity").utf8)
  }

  /// Reads `12.5`, `1e-05`, `-0.0`.
  private static func decimal(_ text: String) -> Decimal {
    var decimal = Decimal(isNegative: false, digits: [], point: 0)
    var exponent = 0
    var (isFraction, isExponent, isExponentNegative) = (false, false, false)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "-"): if isExponent { isExponentNegative = true } else { decimal.isNegative = true }
      case UInt8(ascii: "+"): break
      case UInt8(ascii: "."): isFraction = true
      case UInt8(ascii: "e"), UInt8(ascii: "E"): isExponent = true
      case _ where byte.isDecimalDigit && isExponent: exponent = exponent * 10 + Int(byte - UInt8(ascii: "0"))
      case _ where byte.isDecimalDigit:
        if byte != UInt8(ascii: "0") || !decimal.digits.isEmpty {
          decimal.digits.append(byte)
          if !isFraction { decimal.point += 1 }
        } else if isFraction {
          decimal.point -= 1
        }
      default: break
      }
    }
    decimal.point += isExponentNegative ? -exponent : exponent
    while decimal.digits.last == UInt8(ascii: "0") { decimal.digits.removeLast() }
    return decimal
  }

  /// C's `%.{digits-1}e`.
  private static func printed(_ value: Double, digits: Int) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 40) { buffer in
      _ = withVaList([Int32(digits - 1), value]) { vsnprintf(buffer.baseAddress, buffer.count, "%.*e", $0) }
      return String(cString: buffer.baseAddress!)
    }
  }

  /// C's `%.{precision}g`, and `.0` behind a whole number.
  private static func appendGeneral(_ decimal: Decimal, precision: Int, to bytes: inout [UInt8]) {
    if decimal.isNegative { bytes.append(UInt8(ascii: "-")) }
    let zero = UInt8(ascii: "0")
    guard !decimal.digits.isEmpty else {
      bytes.append(contentsOf: "0.0".utf8)
      return
    }
    let exponent = decimal.point - 1
    if exponent < -4 || exponent >= precision {
      bytes.append(decimal.digits[0])
      if decimal.digits.count > 1 {
        bytes.append(UInt8(ascii: "."))
        bytes.append(contentsOf: decimal.digits[1...])
      }
      bytes.append(UInt8(ascii: "e"))
      bytes.append(UInt8(ascii: exponent < 0 ? "-" : "+"))
      let magnitude = abs(exponent)
      if magnitude < 10 { bytes.append(zero) }
      bytes.append(contentsOf: "\(magnitude)".utf8)
      return
    }
    if decimal.point <= 0 {
      bytes.append(contentsOf: [zero, UInt8(ascii: ".")])
      bytes.append(contentsOf: repeatElement(zero, count: -decimal.point))
      bytes.append(contentsOf: decimal.digits)
      return
    }
    for index in 0..<max(decimal.point, decimal.digits.count) {
      if index == decimal.point { bytes.append(UInt8(ascii: ".")) }
      bytes.append(index < decimal.digits.count ? decimal.digits[index] : zero)
    }
    if decimal.digits.count <= decimal.point { bytes.append(contentsOf: [UInt8(ascii: "."), zero]) }
  }
}

/// A float's nine significant decimal digits, correctly rounded, by whole numbers of 128 bits.
private struct NineDigits {
  /// 10⁸ ≤ number < 10⁹: the float is about number · 10^exponent.
  private var number: UInt32
  private var exponent: Int

  /// `nil` for zero, for what is not finite, and where 128 bits do not suffice.
  init?(_ value: Float) {
    guard value.isFinite, value != 0 else { return nil }
    let significand = UInt128(value.significandBitPattern | (value.isNormal ? 1 << 23 : 0))
    let binaryExponent = (value.isNormal ? Int(value.exponentBitPattern) : 1) - 150
    // The float is below 10^(estimate + 1) and hardly below 10^estimate.
    let estimate = Int((Double(abs(value)).logarithm10).rounded(.down))
    for power in [8 - estimate, 7 - estimate, 9 - estimate] {
      guard let number = Self.scaled(significand, binaryExponent, power: power) else { return nil }
      if (100_000_000..<1_000_000_000) ~= number {
        self.number = UInt32(number)
        exponent = -power
        return
      }
    }
    return nil
  }

  /// significand · 2^binary · 10^power, rounded to the nearest whole number, ties to even.
  private static func scaled(_ significand: UInt128, _ binary: Int, power: Int) -> UInt128? {
    // 24 bits and those of 5^44 fit.
    guard -26...44 ~= power else { return nil }
    let shift = binary + power
    if power >= 0 {
      let product = significand * fives[power]
      if shift >= 0 { return shift < product.leadingZeroBitCount ? product << shift : nil }
      guard shift > -127 else { return 0 }
      return rounded(product >> -shift, rest: product & (1 << -shift - 1), of: 1 << -shift)
    }
    guard shift >= 0, shift < significand.leadingZeroBitCount else { return nil }
    let (quotient, rest) = (significand << shift).quotientAndRemainder(dividingBy: fives[-power])
    return rounded(quotient, rest: rest, of: fives[-power])
  }

  private static func rounded(_ quotient: UInt128, rest: UInt128, of divisor: UInt128) -> UInt128 {
    let half = divisor - rest
    return rest > half || (rest == half && quotient & 1 == 1) ? quotient + 1 : quotient
  }

  private static let fives: [UInt128] = (0...44).map { (0..<$0).reduce(1) { power, _ in power * 5 } }

  func decimal(isNegative: Bool) -> DecimalText.Decimal {
    var rest = number
    var digits = [UInt8](repeating: 0, count: 9)
    for index in (0..<9).reversed() {
      digits[index] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    return DecimalText.Decimal(isNegative: isNegative, digits: digits, point: 9 + exponent)
  }
}

extension Double {
  fileprivate var logarithm10: Double { log10(self) }
}
