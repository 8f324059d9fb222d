/// What a message may hold, as far as ``SkeletonScanner`` needs to know. Fields that are not listed are dropped.
final class MessageSchema: Sendable {
  let name: String
  private let fields: [UInt32: Field]

  struct Field: Sendable {
    let name: String
    let content: Content
  }

  enum Content: Sendable {
    case number(WireType)
    /// One number per occurrence, or a packed run of them.
    case numbers(WireType)
    case string
    case bytes
    case message(MessageSchema, repeated: Bool)
    /// Left in the file when it is delimited: `raw_data`, or a packed run of numbers of this type.
    case payload(WireType)
    /// Means something that we do not support, and that must not be ignored.
    case refused(reason: String)
  }

  init(_ name: String, _ fields: [UInt32: Field]) {
    self.name = name
    self.fields = fields
  }

  subscript(field: UInt32) -> Field? { fields[field] }
}

extension MessageSchema.Field {
  static func number(_ name: String, _ type: WireType = .varint) -> Self { Self(name: name, content: .number(type)) }
  static func numbers(_ name: String, _ type: WireType = .varint) -> Self { Self(name: name, content: .numbers(type)) }
  static func string(_ name: String) -> Self { Self(name: name, content: .string) }
  static func bytes(_ name: String) -> Self { Self(name: name, content: .bytes) }
  static func one(_ name: String, _ schema: MessageSchema) -> Self {
    Self(name: name, content: .message(schema, repeated: false))
  }
  static func many(_ name: String, _ schema: MessageSchema) -> Self {
    Self(name: name, content: .message(schema, repeated: true))
  }
  static func payload(_ name: String, of type: WireType) -> Self { Self(name: name, content: .payload(type)) }
  static func refused(_ name: String, because reason: String) -> Self {
    Self(name: name, content: .refused(reason: reason))
  }
}
