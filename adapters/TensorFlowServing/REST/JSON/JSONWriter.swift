/// Writes JSON as TensorFlow Serving does: four spaces a level, lists of values on one line.
struct JSONWriter {
  private(set) var bytes: [UInt8] = []
  /// Of each open object or list, innermost last: whether it has something in it, and whether it is on one line.
  private var levels: [(isEmpty: Bool, isOneLine: Bool)] = []
  private var followsKey = false

  init(reserving byteCount: Int = 256) { bytes.reserveCapacity(byteCount) }

  // MARK: Structure

  mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
    open(UInt8(ascii: "{"), isOneLine: levels.last?.isOneLine ?? false)
    try body(&self)
    close(UInt8(ascii: "}"))
  }

  /// - Parameter isOneLine: so are the lists and objects in it, then.
  mutating func list(isOneLine: Bool = false, _ body: (inout JSONWriter) throws -> Void) rethrows {
    open(UInt8(ascii: "["), isOneLine: isOneLine || levels.last?.isOneLine ?? false)
    try body(&self)
    close(UInt8(ascii: "]"))
  }

  mutating func key(_ name: String) {
    separate()
    quote(Array(name.utf8))
    bytes.append(UInt8(ascii: ":"))
    bytes.append(UInt8(ascii: " "))
    followsKey = true
  }

  private mutating func open(_ bracket: UInt8, isOneLine: Bool) {
    separate()
    bytes.append(bracket)
    levels.append((isEmpty: true, isOneLine: isOneLine))
  }

  private mutating func close(_ bracket: UInt8) {
    let level = levels.removeLast()
    if !level.isEmpty, !level.isOneLine { newLine() }
    bytes.append(bracket)
  }

  private mutating func separate() {
    if followsKey {
      followsKey = false
      return
    }
    guard let level = levels.last else { return }
    if !level.isEmpty { bytes.append(UInt8(ascii: ",")) }
    levels[levels.count - 1].isEmpty = false
    if !level.isOneLine {
      newLine()
    } else if !level.isEmpty {
      bytes.append(UInt8(ascii: " "))
    }
  }

  private mutating func newLine() {
    bytes.append(UInt8(ascii: "\n"))
    for _ in 0..<(4 * levels.count) { bytes.append(UInt8(ascii: " ")) }
  }

  // MARK: Values

  mutating func string(_ text: String) {
    separate()
    quote(Array(text.utf8))
  }

  mutating func string(_ text: [UInt8]) {
    separate()
    quote(text)
  }

  mutating func integer(_ value: some BinaryInteger) { raw("\(value)") }

  mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

  mutating func null() { raw("null") }

  mutating func decimal(_ value: Float) {
    separate()
    DecimalText.append(value, to: &bytes)
  }

  mutating func decimal(_ value: Double) {
    separate()
    DecimalText.append(value, to: &bytes)
  }

  mutating func raw(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func quote(_ text: [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text {
      switch byte {
      case UInt8(ascii: "\""): escape(UInt8(ascii: "\""))
      case UInt8(ascii: "\\"): escape(UInt8(ascii: "\\"))
      case 8: escape(UInt8(ascii: "b"))
      case 9: escape(UInt8(ascii: "t"))
      case 10: escape(UInt8(ascii: "n"))
      case 12: escape(UInt8(ascii: "f"))
      case 13: escape(UInt8(ascii: "r"))
      case 0..<0x20:
        bytes.append(contentsOf: "\\u00".utf8)
        bytes.append(Self.hexadecimal[Int(byte >> 4)])
        bytes.append(Self.hexadecimal[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static let hexadecimal = Array("0123456789ABCDEF".utf8)

  private mutating func escape(_ byte: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    bytes.append(byte)
  }

  // MARK: Parsed values

  /// A parsed value, again as text.
  mutating func value(_ value: JSONValue) {
    switch value.kind {
    case .null: null()
    case .true: bool(true)
    case .false: bool(false)
    case .integer: integer(value.integer ?? 0)
    case .unsigned: integer(value.unsigned ?? 0)
    case .double: decimal(value.double ?? 0)
    case .string, .escapedString: string(value.bytes ?? [])
    case .array: list { writer in for element in value.elements { writer.value(element) } }
    case .object:
      object { writer in
        for member in value.members {
          writer.key(member.name)
          writer.value(member.value)
        }
      }
    }
  }
}

extension JSONValue {
  /// Longer texts of values are cut in errors: they would repeat a whole request.
  static let errorTextLimit = 1024

  /// As error texts show it.
  var errorText: String {
    // A value's text is not much shorter than what it was parsed from: what cannot be short is not written out.
    var writer = JSONWriter()
    writer.cut(self, limit: Self.errorTextLimit)
    guard writer.bytes.count > Self.errorTextLimit else { return String(decoding: writer.bytes, as: UTF8.self) }
    return String(decoding: writer.bytes.prefix(Self.errorTextLimit), as: UTF8.self) + "...TRUNCATED"
  }
}

extension JSONWriter {
  /// Like ``value(_:)``, but leaves off elements once there is more than `limit` of text.
  fileprivate mutating func cut(_ value: JSONValue, limit: Int) {
    switch value.kind {
    case .array:
      list { writer in
        for element in value.elements where writer.bytes.count <= limit { writer.cut(element, limit: limit) }
      }
    case .object:
      object { writer in
        for member in value.members where writer.bytes.count <= limit {
          writer.key(member.name)
          writer.cut(member.value, limit: limit)
        }
      }
    default: self.value(value)
    }
  }
}
