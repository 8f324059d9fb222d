/// `tensorflow.serving.ModelSpec`.
public struct ModelSpec: Hashable, Sendable {
  public enum Version: Hashable, Sendable {
    case number(Int64)
    case label(String)
  }

  public var name: String
  public var version: Version?
  public var signatureName: String

  public init(name: String = "", version: Version? = nil, signatureName: String = "") {
    self.name = name
    self.version = version
    self.signatureName = signatureName
  }
}

extension ModelSpec {
  /// Looks only for the first `ModelSpec` of a request: field 1 of the message, or, `depth` levels deep, of what is in
  /// field 1 of it. Nothing else is read; O(fields) before it.
  ///
  /// - Returns: nil when there is none.
  public init?(firstIn bytes: UnsafeRawBufferPointer, inside depth: Int) throws(WireError) {
    var range = 0..<bytes.count
    for _ in 0..<depth {
      guard let inner = try Self.firstField(bytes, range: range) else { return nil }
      range = inner
    }
    self.init()
    try merge(bytes, range: range)
  }

  private static func firstField(
    _ bytes: UnsafeRawBufferPointer, range: Range<Int>
  ) throws(WireError) -> Range<Int>? {
    var reader = ProtobufReader(bytes, range: range)
    while !reader.isAtEnd {
      let (field, type) = try reader.readTag()
      let value = try reader.skip(type)
      if field == 1, type == .lengthDelimited { return value }
    }
    return nil
  }

  mutating func merge(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range)
    while !reader.isAtEnd {
      switch try reader.readTag() {
      case (1, .lengthDelimited): name = try reader.readText()
      case (2, .lengthDelimited): version = .number(try Self.wrapped(bytes, range: try reader.readDelimited()))
      case (3, .lengthDelimited): signatureName = try reader.readText()
      case (4, .lengthDelimited): version = .label(try reader.readText())
      case (_, let type): _ = try reader.skip(type)
      }
    }
  }

  /// `google.protobuf.Int64Value`. One that is there and empty is 0, and differs from none.
  private static func wrapped(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) throws(WireError) -> Int64 {
    var reader = ProtobufReader(bytes, range: range)
    var value: Int64 = 0
    while !reader.isAtEnd {
      switch try reader.readTag() {
      case (1, .varint): value = Int64(bitPattern: try reader.readVarint())
      case (_, let type): _ = try reader.skip(type)
      }
    }
    return value
  }
}
