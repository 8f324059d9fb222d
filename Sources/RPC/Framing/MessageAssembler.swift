import NIOCore

/// Cuts messages out of the bytes of DATA frames: a flag byte (1 if compressed), the length in four bytes, the message.
///
/// A message in one frame is handed out without a copy. Of any other, each byte is copied once: the buffer is made when
/// the length is known.
struct MessageAssembler {
  static let prefixLength = 5

  /// What is reserved on the peer's word alone; the rest once that much has really come.
  private static let trustedCapacity = 16 << 20

  /// The most bytes that one message may have.
  let limit: Int
  private var pending: ByteBuffer?
  /// Prefix and message, once the prefix is known.
  private var frameLength: Int?

  init(limit: Int) { self.limit = limit }

  /// Whether no byte of a further message is held.
  var isEmpty: Bool { pending == nil }

  /// Bytes reserved for the message that is coming.
  var capacity: Int { pending?.capacity ?? 0 }

  mutating func append(_ bytes: ByteBuffer, allocator: ByteBufferAllocator) {
    guard bytes.readableBytes > 0 else { return }
    guard var buffer = pending else {
      pending = bytes
      return
    }
    // Not two references while writing: that would copy all of it.
    pending = nil
    if let frameLength, buffer.writableBytes < bytes.readableBytes {
      let received = buffer.readableBytes + bytes.readableBytes
      buffer.reserveCapacity(
        received > Self.trustedCapacity ? max(frameLength, received) : min(frameLength, Self.trustedCapacity))
    }
    buffer.writeImmutableBuffer(bytes)
    pending = buffer
  }

  /// The next whole message with its prefix; nil when more bytes are needed.
  ///
  /// - Throws: `INTERNAL` for a prefix that no gRPC peer sends, `RESOURCE_EXHAUSTED` for a message over the limit.
  mutating func next(allocator: ByteBufferAllocator) throws(Status) -> ByteBuffer? {
    guard var buffer = pending else { return nil }
    guard buffer.readableBytes >= Self.prefixLength,
      let flag = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self),
      let length = buffer.getInteger(at: buffer.readerIndex + 1, as: UInt32.self)
    else { return nil }
    guard flag <= 1 else {
      throw Status(.internalError, "message prefix: expected 0 or 1 as compressed flag, got \(flag)")
    }
    guard Int(length) <= limit else {
      throw Status(.resourceExhausted, "Received message larger than max (\(length) vs. \(limit))")
    }
    let total = Self.prefixLength + Int(length)
    frameLength = total
    if buffer.readableBytes < total {
      if buffer.capacity < min(total, Self.trustedCapacity) {
        pending = nil
        var whole = allocator.buffer(capacity: min(total, Self.trustedCapacity))
        whole.writeImmutableBuffer(buffer)
        pending = whole
      }
      return nil
    }
    pending = nil
    frameLength = nil
    guard buffer.readableBytes > total else { return buffer }
    let frame = buffer.readSlice(length: total)
    pending = buffer
    return frame
  }

  /// The message in a frame that ``next(allocator:)`` gave, decompressed if its flag says so.
  static func message(
    in frame: ByteBuffer, compression: Compression?, limit: Int, allocator: ByteBufferAllocator
  ) throws(Status) -> ByteBuffer {
    var message = frame
    guard message.readInteger(as: UInt8.self) == 1 else {
      message.moveReaderIndex(forwardBy: prefixLength - 1)
      return message
    }
    message.moveReaderIndex(forwardBy: prefixLength - 1)
    guard let compression else {
      throw Status(.internalError, "a message is flagged as compressed, and no grpc-encoding was given")
    }
    return try compression.decompress(message, limit: limit, allocator: allocator)
  }
}
