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
