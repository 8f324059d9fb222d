/// Reads protobuf's text format into a ``TextMessage``: fields, nested messages in `{}` or `<>`, lists, strings with
/// escapes, numbers, enumerators, bracketed extension names, comments.
///
/// Generic: it knows no message. Whether a field exists and what its value must be is asked later, see
/// ``TextMessage``'s typed accessors. Linear in the text; nesting is limited, so that no text exhausts the stack.
/// Source: protobuf's Text Format Language Specification.
struct TextFormatParser {
  /// As deep as protobuf's own parsers go.
  static let depthLimit = 100

  /// The message's full name, for error texts.
  private let messageName: String
  private let text: [UInt8]
  private var index = 0
  private var position = TextPosition(line: 1, column: 1)

  private init(_ text: [UInt8], as messageName: String) {
    self.text = text
    self.messageName = messageName
  }

  static func parse(_ text: [UInt8], as messageName: String) throws(ConfigurationError) -> TextMessage {
    var parser = TextFormatParser(text, as: messageName)
    let message = try parser.fields(until: nil, depth: 0)
    return message
  }

  // MARK: Messages

  /// Fields up to the closing bracket, which is consumed, or to the end of the text.
  private mutating func fields(until close: UInt8?, depth: Int) throws(ConfigurationError) -> TextMessage {
    guard depth < Self.depthLimit else { throw error("Message is too deep, the limit is \(Self.depthLimit) levels.") }
    var message = TextMessage(position: position)
    while true {
      skipBlanks()
      guard let byte = peek else {
        if let close { throw error("Expected \"\(character(close))\", reached end of input.") }
        return message
      }
      if byte == close {
        advance()
        return message
      }
      try field(into: &message, depth: depth)
    }
  }

  private mutating func field(into message: inout TextMessage, depth: Int) throws(ConfigurationError) {
    let start = position
    let name = try fieldName()
    skipBlanks()
    let hasColon = skip(UInt8(ascii: ":"))
    skipBlanks()
    if peek == UInt8(ascii: "["), hasColon {
      for value in try list(depth: depth) {
        message.fields.append(TextField(name: name, value: value, position: start))
      }
    } else if opensMessage {
      message.fields.append(TextField(name: name, value: .message(try nested(depth: depth)), position: start))
    } else if hasColon {
      message.fields.append(TextField(name: name, value: try scalar(), position: start))
    } else {
      throw error("Expected \":\", found \"\(tokenAtPoint)\".")
    }
    skipBlanks()
    if !skip(UInt8(ascii: ",")) { _ = skip(UInt8(ascii: ";")) }
  }

  private mutating func list(depth: Int) throws(ConfigurationError) -> [TextValue] {
    advance()
    var values: [TextValue] = []
    skipBlanks()
    if skip(UInt8(ascii: "]")) { return values }
    while true {
      skipBlanks()
      values.append(opensMessage ? .message(try nested(depth: depth)) : try scalar())
      skipBlanks()
      if skip(UInt8(ascii: "]")) { return values }
      guard skip(UInt8(ascii: ",")) else { throw error("Expected \",\", found \"\(tokenAtPoint)\".") }
    }
  }

  private var opensMessage: Bool { peek == UInt8(ascii: "{") || peek == UInt8(ascii: "<") }

  private mutating func nested(depth: Int) throws(ConfigurationError) -> TextMessage {
    let close = peek == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: ">")
    advance()
    return try fields(until: close, depth: depth + 1)
  }

  /// `name`, or `[package.extension]`, or `[domain/package.Message]`.
  private mutating func fieldName() throws(ConfigurationError) -> String {
    if peek == UInt8(ascii: "[") {
      let start = index
      while let byte = peek, byte != UInt8(ascii: "]"), byte != UInt8(ascii: "\n") { advance() }
      guard skip(UInt8(ascii: "]")) else { throw error("Expected \"]\", found \"\(tokenAtPoint)\".") }
      return String(decoding: text[start..<index], as: UTF8.self)
    }
    guard let byte = peek, byte.startsIdentifier else {
      throw error("Expected identifier, got: \(tokenAtPoint)")
    }
    return identifier()
  }

  // MARK: Scalars

  private mutating func scalar() throws(ConfigurationError) -> TextValue {
    guard let byte = peek else { throw error("Expected value, reached end of input.") }
    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return .string(try strings()) }
    var sign = ""
    if skip(UInt8(ascii: "-")) {
      sign = "-"
      skipBlanks()
    }
    guard let first = peek else { throw error("Expected value, reached end of input.") }
    if first.startsIdentifier { return .identifier(sign + identifier()) }
    if first.isDigit || first == UInt8(ascii: ".") { return .number(sign + number()) }
    throw error("Invalid token: \(tokenAtPoint)")
  }

  private mutating func identifier() -> String {
    let start = index
    while let byte = peek, byte.startsIdentifier || byte.isDigit { advance() }
    return String(decoding: text[start..<index], as: UTF8.self)
  }

  /// As far as the characters go that numbers are made of; whether they make one is asked when the value is used.
  private mutating func number() -> String {
    let start = index
    while let byte = peek {
      let afterExponent = index > start && (text[index - 1] | 0x20) == UInt8(ascii: "e")
      let isSign = byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
      guard byte.isDigit || byte.startsIdentifier || byte == UInt8(ascii: ".") || (isSign && afterExponent) else {
        break
      }
      advance()
    }
    return String(decoding: text[start..<index], as: UTF8.self)
  }

  /// Adjacent literals are one string.
  private mutating func strings() throws(ConfigurationError) -> [UInt8] {
    var bytes: [UInt8] = []
    while let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
      advance()
      try literal(closedBy: quote, into: &bytes)
      skipBlanks()
    }
    return bytes
  }

  private mutating func literal(closedBy quote: UInt8, into bytes: inout [UInt8]) throws(ConfigurationError) {
    while let byte = peek {
      switch byte {
      case quote:
        advance()
        return
      case UInt8(ascii: "\n"): throw error("String literals cannot cross line boundaries.")
      case UInt8(ascii: "\\"):
        advance()
        try escape(into: &bytes)
      default:
        bytes.append(byte)
        advance()
      }
    }
    throw error("Unexpected end of string.")
  }

  private static let simpleEscapes: [UInt8: UInt8] = [
    UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13,
    UInt8(ascii: "t"): 9, UInt8(ascii: "v"): 11, UInt8(ascii: "\\"): 92, UInt8(ascii: "'"): 39,
    UInt8(ascii: "\""): 34, UInt8(ascii: "?"): 63,
  ]

  private mutating func escape(into bytes: inout [UInt8]) throws(ConfigurationError) {
    guard let byte = peek else { throw error("Unexpected end of string.") }
    if let plain = Self.simpleEscapes[byte] {
      advance()
      bytes.append(plain)
      return
    }
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "7"):
      bytes.append(UInt8(truncatingIfNeeded: digits(radix: 8, atMost: 3).value))
    case UInt8(ascii: "x"), UInt8(ascii: "X"):
      advance()
      let (value, count) = digits(radix: 16, atMost: 2)
      guard count > 0 else { throw error("Expected hex digits for escape sequence.") }
      bytes.append(UInt8(truncatingIfNeeded: value))
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      advance()
      let wanted = byte == UInt8(ascii: "u") ? 4 : 8
      let (value, count) = digits(radix: 16, atMost: wanted)
      guard count == wanted, let scalar = Unicode.Scalar(value) else {
        throw error("Expected \(wanted) hex digits of a Unicode character for \\\(character(byte)) escape sequence.")
      }
      bytes.append(contentsOf: String(Character(scalar)).utf8)
    default: throw error("Invalid escape sequence in string literal.")
    }
  }

  private mutating func digits(radix: UInt32, atMost limit: Int) -> (value: UInt32, count: Int) {
    var value: UInt32 = 0
    var count = 0
    while count < limit, let digit = peek?.hexadecimalValue, digit < radix {
      value = value &* radix &+ digit
      count += 1
      advance()
    }
    return (value, count)
  }

  // MARK: Characters

  private var peek: UInt8? { index < text.count ? text[index] : nil }

  private mutating func advance() {
    if text[index] == UInt8(ascii: "\n") {
      position.line += 1
      position.column = 1
    } else {
      position.column += 1
    }
    index += 1
  }

  private mutating func skip(_ byte: UInt8) -> Bool {
    guard peek == byte else { return false }
    advance()
    return true
  }

  /// White space and comments.
  private mutating func skipBlanks() {
    while let byte = peek {
      if byte == UInt8(ascii: "#") {
        while let byte = peek, byte != UInt8(ascii: "\n") { advance() }
      } else if byte == UInt8(ascii: " ") || (9...13).contains(byte) {
        advance()
      } else {
        return
      }
    }
  }

  /// What stands here, for error texts.
  private var tokenAtPoint: String {
    var end = index
    while end < text.count, text[end].startsIdentifier || text[end].isDigit { end += 1 }
    return String(decoding: text[index..<min(text.count, max(end, index + 1))], as: UTF8.self)
  }

  private func character(_ byte: UInt8) -> String { String(decoding: [byte], as: UTF8.self) }

  private func error(_ problem: String) -> ConfigurationError {
    .malformedText(message: messageName, line: position.line, column: position.column, problem: problem)
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

  /// ASCII letters and the underscore.
  fileprivate var startsIdentifier: Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) || self == UInt8(ascii: "_")
  }

  fileprivate var hexadecimalValue: UInt32? {
    if isDigit { return UInt32(self - UInt8(ascii: "0")) }
    let lower = self | 0x20
    guard (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(lower) else { return nil }
    return UInt32(lower - UInt8(ascii: "a") + 10)
  }
}
