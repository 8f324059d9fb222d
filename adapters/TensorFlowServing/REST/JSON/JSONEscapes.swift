/// The escapes of JSON strings.
enum JSONEscapes {
  /// - Parameter text: the inside of a string literal whose escapes are known to be right.
  static func decoded(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
      let byte = text[index]
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        index += 1
        continue
      }
      index += 1
      guard text[index] == UInt8(ascii: "u") else {
        result.append(simple[text[index]] ?? text[index])
        index += 1
        continue
      }
      var scalar = hexadecimal(text, at: index + 1)
      index += 5
      if (0xD800..<0xDC00).contains(scalar) {
        scalar = 0x10000 + (scalar - 0xD800) << 10 + (hexadecimal(text, at: index + 2) - 0xDC00)
        index += 6
      }
      result.append(contentsOf: String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8)
    }
    return result
  }

  /// What stands after a backslash, and what it means.
  static let simple: [UInt8: UInt8] = [
    UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
    UInt8(ascii: "/"): UInt8(ascii: "/"),
    UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
  ]

  private static func hexadecimal(_ text: [UInt8], at index: Int) -> UInt32 {
    text[index..<(index + 4)].reduce(0) { $0 << 4 | (digit($1) ?? 0) }
  }

  static func digit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }
}
