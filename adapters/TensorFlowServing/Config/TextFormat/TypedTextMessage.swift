/// A ``TextMessage`` read as a message of a known type: its fields by name and type, with protobuf's own complaints.
struct TypedTextMessage {
  /// The type at the root of the text, which error texts name first.
  let rootType: String
  let type: String
  private let message: TextMessage

  /// - Throws: ``ConfigurationError/malformedText(message:line:column:problem:)`` also when there is a field that is not
  ///   among `fields`. Extensions and `Any` messages are let through: nothing here reads them.
  init(_ message: TextMessage, type: String, root: String, fields: Set<String>) throws(ConfigurationError) {
    self.message = message
    self.type = type
    rootType = root
    for field in message.fields where !fields.contains(field.name) && !field.name.hasPrefix("[") {
      throw error(at: field, "Message type \"\(type)\" has no field named \"\(field.name)\".")
    }
  }

  /// Reads a whole text as a message of this type.
  static func parse(_ text: [UInt8], as type: String, fields: Set<String>) throws(ConfigurationError) -> Self {
    try Self(TextFormatParser.parse(text, as: type), type: type, root: type, fields: fields)
  }

  func has(_ name: String) -> Bool { message.fields.contains { $0.name == name } }

  // MARK: Singular fields

  func string(_ name: String) throws(ConfigurationError) -> String? {
    guard let field = try single(name) else { return nil }
    return try string(field)
  }

  func bool(_ name: String) throws(ConfigurationError) -> Bool? {
    guard let field = try single(name) else { return nil }
    switch field.value {
    case .identifier("true"), .identifier("True"), .identifier("t"), .number("1"): return true
    case .identifier("false"), .identifier("False"), .identifier("f"), .number("0"): return false
    default:
      throw error(at: field, "Invalid value for boolean field \"\(name)\". Value: \"\(field.value.kind)\".")
    }
  }

  func integer(_ name: String) throws(ConfigurationError) -> Int64? {
    guard let field = try single(name) else { return nil }
    return try integer(field)
  }

  /// The name of an enumerator, or its number.
  func enumerator(_ name: String, names: [Int64: String]) throws(ConfigurationError) -> String? {
    guard let field = try single(name) else { return nil }
    switch field.value {
    case .identifier(let text) where names.values.contains(text): return text
    case .number:
      if let known = names[try integer(field)] { return known }
    default: break
    }
    throw error(
      at: field, "Unknown enumeration value of \"\(field.value.kind)\" for field \"\(name)\".")
  }

  func message(_ name: String, type: String, fields: Set<String>) throws(ConfigurationError) -> Self? {
    guard let field = try single(name) else { return nil }
    return try nested(field, type: type, fields: fields)
  }

  /// A field of a wrapper type: `name { value: 3 }`.
  func wrappedInteger(_ name: String) throws(ConfigurationError) -> Int64? {
    try message(name, type: "google.protobuf.Int64Value", fields: ["value"]).flatMap {
      wrapper throws(ConfigurationError) in
      try wrapper.integer("value") ?? 0
    }
  }

  func wrappedBool(_ name: String) throws(ConfigurationError) -> Bool? {
    try message(name, type: "google.protobuf.BoolValue", fields: ["value"]).flatMap {
      wrapper throws(ConfigurationError) in
      try wrapper.bool("value") ?? false
    }
  }

  func wrappedString(_ name: String) throws(ConfigurationError) -> String? {
    try message(name, type: "google.protobuf.StringValue", fields: ["value"]).flatMap {
      wrapper throws(ConfigurationError) in
      try wrapper.string("value") ?? ""
    }
  }

  // MARK: Repeated fields

  func integers(_ name: String) throws(ConfigurationError) -> [Int64] {
    var values: [Int64] = []
    for field in message.fields where field.name == name { values.append(try integer(field)) }
    return values
  }

  func messages(_ name: String, type: String, fields: Set<String>) throws(ConfigurationError) -> [Self] {
    var values: [Self] = []
    for field in message.fields where field.name == name {
      values.append(try nested(field, type: type, fields: fields))
    }
    return values
  }

  /// What is wrong with the message as a whole.
  func error(_ problem: String) -> ConfigurationError {
    .malformedText(
      message: rootType, line: message.position.line, column: message.position.column, problem: problem)
  }

  // MARK: One field

  private func single(_ name: String) throws(ConfigurationError) -> TextField? {
    var found: TextField?
    for field in message.fields where field.name == name {
      guard found == nil else {
        throw error(at: field, "Non-repeated field \"\(name)\" is specified multiple times.")
      }
      found = field
    }
    return found
  }

  private func string(_ field: TextField) throws(ConfigurationError) -> String {
    guard case .string(let bytes) = field.value else {
      throw error(at: field, "Expected string, got: \(field.value.kind)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw error(at: field, "String field \"\(field.name)\" contains invalid UTF-8 data.")
    }
    return text
  }

  private func integer(_ field: TextField) throws(ConfigurationError) -> Int64 {
    guard case .number(let text) = field.value, let value = Int64(textFormat: text) else {
      throw error(at: field, "Expected integer, got: \(field.value.kind)")
    }
    return value
  }

  private func nested(_ field: TextField, type: String, fields: Set<String>) throws(ConfigurationError) -> Self {
    guard case .message(let message) = field.value else {
      throw error(at: field, "Expected \"{\", found \"\(field.value.kind)\".")
    }
    return try Self(message, type: type, root: rootType, fields: fields)
  }

  private func error(at field: TextField, _ problem: String) -> ConfigurationError {
    .malformedText(message: rootType, line: field.position.line, column: field.position.column, problem: problem)
  }
}

extension Int64 {
  /// Decimal, `0x` hexadecimal or `0` octal, with an optional sign.
  fileprivate init?(textFormat text: String) {
    let isNegative = text.hasPrefix("-")
    let digits = text.dropFirst(isNegative ? 1 : 0).lowercased()
    let radix = digits.hasPrefix("0x") ? 16 : digits.hasPrefix("0") && digits.count > 1 ? 8 : 10
    let magnitude = radix == 16 ? String(digits.dropFirst(2)) : digits
    // The sign goes back in front, since the lowest number has no positive counterpart.
    guard magnitude.first?.isHexDigit == true, let value = Int64((isNegative ? "-" : "") + magnitude, radix: radix)
    else {
      return nil
    }
    self = value
  }
}
