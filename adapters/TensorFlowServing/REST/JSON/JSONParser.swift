import NIOCore

/// Parses JSON as TensorFlow Serving does: RapidJSON with `NaN`, `Inf`, `Infinity` and their negatives, stopping at the
/// end of the first value.
///
/// One pass, without recursion, so that no text exhausts the stack. Numbers are converted here, exactly.
struct JSONParser {
  /// TensorFlow's tensors have at most 254 dimensions.
  static let depthLimit = 1000

  private typealias Node = JSONDocument.Node

  private let bytes: UnsafeRawBufferPointer
  /// Where the text begins in its buffer: nodes hold positions in that.
  private let base: Int
  private var index = 0
  private var nodes: [Node] = []
  /// The arrays and objects that are open, innermost last: their nodes.
  private var open: [Int] = []

  private init(_ bytes: UnsafeRawBufferPointer, base: Int) {
    self.bytes = bytes
    self.base = base
    nodes.reserveCapacity(bytes.count / 8 + 4)
  }

  static func parse(_ text: ByteBuffer) throws(JSONParseError) -> JSONDocument {
    // Positions and lengths have 32 bits.
    guard text.readerIndex + text.readableBytes < Int(UInt32.max) else {
      throw JSONParseError(problem: .tooLong, offset: 0)
    }
    let result = text.withUnsafeReadableBytes { bytes -> Result<[Node], JSONParseError> in
      var parser = JSONParser(bytes, base: text.readerIndex)
      do throws(JSONParseError) {
        try parser.parse()
        return .success(parser.nodes)
      } catch {
        return .failure(error)
      }
    }
    return JSONDocument(text: text, nodes: try result.get())
  }

  private mutating func parse() throws(JSONParseError) {
    skipBlanks()
    guard index < bytes.count else { throw error(.empty) }
    try value()
    while let container = open.last {
      skipBlanks()
      if nodes[container].kind == .array { try continueArray(container) } else { try continueObject(container) }
    }
  }

  // MARK: Arrays and objects

  /// After an element, or after the opening bracket.
  private mutating func continueArray(_ container: Int) throws(JSONParseError) {
    let isFirst = nodes[container].payload == 0
    if peek == UInt8(ascii: "]") {
      close(container)
      return
    }
    if !isFirst {
      guard peek == UInt8(ascii: ",") else { throw error(.missingCommaInArray) }
      index += 1
      skipBlanks()
    }
    nodes[container].payload += 1
    try value()
  }

  private mutating func continueObject(_ container: Int) throws(JSONParseError) {
    let isFirst = nodes[container].payload == 0
    if peek == UInt8(ascii: "}") {
      close(container)
      return
    }
    if !isFirst {
      guard peek == UInt8(ascii: ",") else { throw error(.missingCommaInObject) }
      index += 1
      skipBlanks()
    }
    guard peek == UInt8(ascii: "\"") else { throw error(.missingName) }
    nodes[container].payload += 1
    try string()
    skipBlanks()
    guard peek == UInt8(ascii: ":") else { throw error(.missingColon) }
    index += 1
    skipBlanks()
    try value()
  }

  private mutating func begin(_ kind: Node.Kind) throws(JSONParseError) {
    guard open.count < Self.depthLimit else { throw error(.tooDeep) }
    index += 1
    open.append(nodes.count)
    nodes.append(Node(kind: kind, next: 0, payload: 0))
  }

  private mutating func close(_ container: Int) {
    index += 1
    open.removeLast()
    nodes[container].next = UInt32(nodes.count)
  }

  // MARK: Values

  private mutating func value() throws(JSONParseError) {
    switch peek {
    case UInt8(ascii: "["): try begin(.array)
    case UInt8(ascii: "{"): try begin(.object)
    case UInt8(ascii: "\""): try string()
    case UInt8(ascii: "t"): try literal("true", .true)
    case UInt8(ascii: "f"): try literal("false", .false)
    case UInt8(ascii: "n"): try literal("null", .null)
    default: try number()
    }
  }

  private mutating func literal(_ text: StaticString, _ kind: Node.Kind) throws(JSONParseError) {
    guard consume(text) else { throw error(.invalidValue) }
    append(kind, 0)
  }

  private mutating func append(_ kind: Node.Kind, _ payload: UInt64) {
    nodes.append(Node(kind: kind, next: UInt32(nodes.count + 1), payload: payload))
  }

  private mutating func string() throws(JSONParseError) {
    let quote = index
    index += 1
    let start = index
    var hasEscapes = false
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") {
        append(hasEscapes ? .escapedString : .string, UInt64(base + start) << 32 | UInt64(index - start))
        index += 1
        return
      }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        try escape()
      } else if byte < 0x20 {
        throw byte == 0 ? JSONParseError(problem: .missingQuote, offset: quote) : error(.invalidEncoding)
      } else {
        index += 1
      }
    }
    throw JSONParseError(problem: .missingQuote, offset: quote)
  }

  private mutating func escape() throws(JSONParseError) {
    let start = index
    index += 1
    guard index < bytes.count else { throw JSONParseError(problem: .invalidEscape, offset: start) }
    guard bytes[index] == UInt8(ascii: "u") else {
      guard JSONEscapes.simple[bytes[index]] != nil else {
        throw JSONParseError(problem: .invalidEscape, offset: start)
      }
      index += 1
      return
    }
    index += 1
    let unit = try hexadecimal(from: start)
    guard (0xD800..<0xE000).contains(unit) else { return }
    // A pair of surrogates, high one first.
    guard unit < 0xDC00, consume("\\u") else { throw JSONParseError(problem: .invalidSurrogate, offset: start) }
    guard (0xDC00..<0xE000).contains(try hexadecimal(from: start)) else {
      throw JSONParseError(problem: .invalidSurrogate, offset: start)
    }
  }

  private mutating func hexadecimal(from start: Int) throws(JSONParseError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = peek.flatMap(JSONEscapes.digit) else {
        throw JSONParseError(problem: .invalidHexadecimal, offset: start)
      }
      unit = unit << 4 | digit
      index += 1
    }
    return unit
  }

  // MARK: Numbers

  private mutating func number() throws(JSONParseError) {
    let start = index
    let isNegative = peek == UInt8(ascii: "-")
    if isNegative { index += 1 }
    if try notFinite(isNegative) { return }
    var decimal = DecimalNumber(isNegative: isNegative)
    guard let first = peek, first.isDecimalDigit else { throw error(.invalidValue) }
    if first == UInt8(ascii: "0") {
      index += 1
      decimal.append(first)
    } else {
      while let digit = peek, digit.isDecimalDigit {
        decimal.append(digit)
        index += 1
      }
    }
    var isWhole = true
    if peek == UInt8(ascii: ".") {
      isWhole = false
      index += 1
      guard peek?.isDecimalDigit == true else { throw error(.missingFraction) }
      while let digit = peek, digit.isDecimalDigit {
        decimal.appendFraction(digit)
        index += 1
      }
    }
    if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
      isWhole = false
      index += 1
      decimal.exponent += try exponent()
    }
    if isWhole, let whole = decimal.whole {
      switch whole {
      case .signed(let value): append(.integer, UInt64(bitPattern: value))
      case .unsigned(let value): append(.unsigned, value)
      }
      return
    }
    let value = decimal.double ?? DecimalNumber.slowDouble(bytes[start..<index])
    guard value.isFinite else { throw JSONParseError(problem: .numberTooBig, offset: start) }
    append(.double, value.bitPattern)
  }

  private mutating func exponent() throws(JSONParseError) -> Int {
    let isNegative = peek == UInt8(ascii: "-")
    if isNegative || peek == UInt8(ascii: "+") { index += 1 }
    guard peek?.isDecimalDigit == true else { throw error(.missingExponent) }
    var exponent = 0
    while let digit = peek, digit.isDecimalDigit {
      // Far beyond what a double can hold, whatever the digits before it.
      exponent = min(exponent * 10 + Int(digit - UInt8(ascii: "0")), 1_000_000_000)
      index += 1
    }
    return isNegative ? -exponent : exponent
  }

  private mutating func notFinite(_ isNegative: Bool) throws(JSONParseError) -> Bool {
    guard let byte = peek, byte == UInt8(ascii: "N") || byte == UInt8(ascii: "I") else { return false }
    if consume("NaN") {
      append(.double, Double.nan.bitPattern)
    } else if consume("Inf") {
      if peek == UInt8(ascii: "i"), !consume("inity") { throw error(.invalidValue) }
      append(.double, (isNegative ? -Double.infinity : .infinity).bitPattern)
    } else {
      throw error(.invalidValue)
    }
    return true
  }

  // MARK: Characters

  private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipBlanks() {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0A, 0x0D: index += 1
      default: return
      }
    }
  }

  private mutating func consume(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count - index >= count else { return false }
    for offset in 0..<count where bytes[index + offset] != text.utf8Start[offset] { return false }
    index += count
    return true
  }

  private func error(_ problem: JSONParseError.Problem) -> JSONParseError {
    JSONParseError(problem: problem, offset: index)
  }
}

extension UInt8 {
  @inline(__always) var isDecimalDigit: Bool { self &- UInt8(ascii: "0") < 10 }
}
