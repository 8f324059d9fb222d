import Foundation
import Testing

@testable import TensorFlowServingAdapter

@Suite("Decimal numbers as TensorFlow Serving writes them")
struct DecimalTextTests {
  private func text(_ value: Float) -> String {
    var bytes: [UInt8] = []
    DecimalText.append(value, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private func text(_ value: Double) -> String {
    var bytes: [UInt8] = []
    DecimalText.append(value, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The definition: `%g`, if it is read back as the same number, otherwise all digits; `.0` behind whole numbers.
  private func defined<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ value: Number, digits: Int) -> String
  {
    var text = String(format: "%g", Double(value))
    if Number(text) != value { text = String(format: "%.\(digits)g", Double(value)) }
    return text.contains(".") || text.contains("e") ? text : text + ".0"
  }

  @Test("known numbers")
  func known() {
    let cases: [(Float, String)] = [
      (0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (-3, "-3.0"), (0.5, "0.5"), (9_000_000, "9e+06"), (999_999, "999999.0"),
      (0.0003, "0.0003"), (0.00003, "3e-05"), (555_557.5, "555557.5"), (0.1, "0.1"), (Float(0.3).nextUp, "0.300000042"),
      (1_000_000, "1e+06"), (1_234_567, "1234567.0"), (.infinity, "Infinity"), (-.infinity, "-Infinity"), (.nan, "NaN"),
      (.greatestFiniteMagnitude, "3.40282347e+38"), (.leastNonzeroMagnitude, "1.4013e-45"),
      (16_777_216, "16777216.0"), (100_000, "100000.0"), (123_456_790_528, "1.23456791e+11"),
    ]
    for (value, expected) in cases { #expect(text(value) == expected) }
    #expect(text(0.1) == "0.1")
    #expect(text(1.0 / 3) == "0.33333333333333331")
    #expect(text(1e300) == "1e+300")
  }

  @Test("any number, as printf would write it")
  func definition() {
    var random = Xorshift(seed: 9)
    for _ in 0..<20_000 {
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      if value.isFinite { #expect(text(value) == defined(value, digits: 9)) }
      let tiny = Float(bitPattern: UInt32(truncatingIfNeeded: random.next() >> (41 + random.next() % 23)))
      #expect(text(tiny) == defined(tiny, digits: 9))
      // Most numbers that models give.
      let small = Float.random(in: -20...20, using: &random)
      #expect(text(small) == defined(small, digits: 9))
      let short = Float(Int.random(in: -99999...99999, using: &random)) / 1000
      #expect(text(short) == defined(short, digits: 9))
    }
    for _ in 0..<3000 {
      let value = Double(bitPattern: random.next())
      if value.isFinite { #expect(text(value) == defined(value, digits: 17)) }
    }
  }
}
