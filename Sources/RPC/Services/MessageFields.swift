import NIOCore
import Wire

/// The fields of a small protobuf message, one level deep.
enum MessageFields {
  struct Field {
    var number: UInt32
    /// A varint's value; nil for other fields.
    var varint: UInt64?
    /// What a length-delimited field holds; nil for other fields.
    var bytes: [UInt8]?

    var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
  }

  /// - Throws: `INVALID_ARGUMENT` for bytes that are no message.
  static func read(_ message: ByteBuffer) throws(Status) -> [Field] {
    do {
      return try message.withUnsafeReadableBytes { try read($0) }
    } catch {
      throw Status(.invalidArgument, "the request is not a protobuf message: \(error)")
    }
  }

  static func read(_ bytes: [UInt8]) throws(WireError) -> [Field] {
    var result: Result<[Field], WireError> = .success([])
    bytes.withUnsafeBytes { bytes in
      do throws(WireError) { result = .success(try read(bytes)) } catch { result = .failure(error) }
    }
    return try result.get()
  }

  private static func read(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> [Field] {
    var reader = ProtobufReader(bytes, range: 0..<bytes.count)
    var fields: [Field] = []
    while !reader.isAtEnd {
      let (number, type) = try reader.readTag()
      switch type {
      case .varint: fields.append(Field(number: number, varint: try reader.readVarint()))
      case .lengthDelimited: fields.append(Field(number: number, bytes: Array(bytes[try reader.readDelimited()])))
      case .fixed32, .fixed64:
        _ = try reader.skip(type)
        fields.append(Field(number: number))
      }
    }
    return fields
  }
}
