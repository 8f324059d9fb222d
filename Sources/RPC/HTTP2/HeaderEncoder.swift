import NIOCore
import NIOHPACK

/// Writes header blocks.
///
/// What every answer has is written as literals that do not enter the table of the connection: a constant, and no search.
/// RFC 7541, 6.2.2.
struct HeaderEncoder {
  private var encoder: HPACKEncoder
  /// The next block must begin by telling the table's size.
  private var tableHasChanged = false

  private static let answer: [UInt8] = {
    // ":status: 200" is the eighth entry of the fixed table.
    var block = ByteBuffer(bytes: [0x88])
    writeLiteral("content-type", "application/grpc", to: &block)
    return Array(block.readableBytesView)
  }()

  private static let ok: [UInt8] = {
    var block = ByteBuffer()
    writeLiteral("grpc-status", "0", to: &block)
    return Array(block.readableBytesView)
  }()

  init(allocator: ByteBufferAllocator) { encoder = HPACKEncoder(allocator: allocator) }

  /// The peer's SETTINGS_HEADER_TABLE_SIZE.
  mutating func setTableSize(_ size: Int) throws(ConnectionError) {
    do {
      try encoder.setDynamicTableSize(min(size, HPACKEncoder.defaultDynamicTableSize))
      tableHasChanged = true
    } catch {
      throw ConnectionError(.internalError, "\(error)")
    }
  }

  mutating func write(_ list: AnswerHeaders, to buffer: inout ByteBuffer) throws(ConnectionError) {
    switch list {
    case .answer(let metadata) where !tableHasChanged:
      buffer.writeBytes(Self.answer)
      for (name, value, _) in metadata.headers { Self.writeLiteral(name, value, to: &buffer) }
    case .ok(let trailers) where !tableHasChanged:
      buffer.writeBytes(Self.ok)
      for (name, value, _) in trailers.headers { Self.writeLiteral(name, value, to: &buffer) }
    default:
      do { try encoder.encode(headers: list.headers, to: &buffer) } catch {
        throw ConnectionError(.internalError, "\(error)")
      }
      tableHasChanged = false
    }
  }

  private static func writeLiteral(_ name: String, _ value: String, to buffer: inout ByteBuffer) {
    buffer.writeInteger(UInt8(0))
    writeString(name, to: &buffer)
    writeString(value, to: &buffer)
  }

  /// RFC 7541, 5.1 and 5.2: the length with a prefix of seven bits, and the bytes as they are.
  private static func writeString(_ text: String, to buffer: inout ByteBuffer) {
    var length = text.utf8.count
    if length < 127 {
      buffer.writeInteger(UInt8(length))
    } else {
      buffer.writeInteger(UInt8(127))
      length -= 127
      while length >= 128 {
        buffer.writeInteger(UInt8(length & 127 | 128))
        length >>= 7
      }
      buffer.writeInteger(UInt8(length))
    }
    buffer.writeString(text)
  }
}

/// Headers or trailers of an answer.
enum AnswerHeaders {
  /// The beginning of a message's way back.
  case answer(Metadata)
  /// The end of a call that went well.
  case ok(Metadata)
  case other(HPACKHeaders)

  var headers: HPACKHeaders {
    switch self {
    case .answer(let metadata): Self.joined(Self.answerHeaders, metadata)
    case .ok(let trailers): Self.joined(Self.okTrailers, trailers)
    case .other(let headers): headers
    }
  }

  static let answerHeaders: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
  private static let okTrailers: HPACKHeaders = ["grpc-status": "0"]

  private static func joined(_ headers: HPACKHeaders, _ more: Metadata) -> HPACKHeaders {
    var headers = headers
    if !more.isEmpty { headers.add(contentsOf: more.headers) }
    return headers
  }
}
