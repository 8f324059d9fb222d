internal import CZlib
import NIOCore

/// The codings of gRPC messages (and of HTTP bodies) that zlib reads.
public enum Compression: String, Sendable, CaseIterable {
  case gzip
  /// The zlib format (RFC 1950), not the bare stream inside of it.
  case deflate

  /// For `grpc-accept-encoding`.
  static let accepted = "identity,deflate,gzip"

  /// Decompresses one whole stream.
  ///
  /// - Parameter limit: The most bytes of output. Memory grows with what really comes out, so that a small stream cannot
  ///   make us reserve a large buffer.
  /// - Throws: `RESOURCE_EXHAUSTED` above the limit; `INTERNAL` for damaged, cut or overlong input.
  public func decompress(
    _ bytes: ByteBuffer, limit: Int, allocator: ByteBufferAllocator = ByteBufferAllocator()
  ) throws(Status) -> ByteBuffer {
    var stream = z_stream()
    // 15: the largest window; 16 more: the gzip format.
    let windowBits: Int32 = self == .gzip ? 15 + 16 : 15
    guard inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw Status(.resourceExhausted, "no memory to decompress a message")
    }
    defer { inflateEnd(&stream) }

    var output = allocator.buffer(capacity: min(max(bytes.readableBytes * 4, 1024), limit + 1, Self.firstCapacity))
    var ended = false
    let failure = bytes.withUnsafeReadableBytes { input -> Status? in
      guard let first = input.baseAddress, !input.isEmpty else { return damaged("it is empty") }
      stream.next_in = first.assumingMemoryBound(to: UInt8.self)
      // A message is shorter than 4 GiB: its length has four bytes.
      stream.avail_in = uInt(input.count)
      while !ended {
        let left = limit + 1 - output.readableBytes
        let room = max(1, min(max(output.readableBytes, 4096), left))
        var result = Z_OK
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { space in
          let usable = min(space.count, left, Int(uInt.max))
          stream.next_out = space.baseAddress?.assumingMemoryBound(to: UInt8.self)
          stream.avail_out = uInt(usable)
          result = inflate(&stream, Z_NO_FLUSH)
          return usable - Int(stream.avail_out)
        }
        if output.readableBytes > limit {
          return Status(.resourceExhausted, "Received message larger than max (\(limit)) after decompression")
        }
        switch result {
        case Z_STREAM_END: ended = true
        case Z_OK where stream.avail_in > 0 || stream.avail_out == 0: continue
        case Z_OK, Z_BUF_ERROR: return damaged("it ends early")
        default: return damaged(stream.msg.map { String(cString: $0) } ?? "zlib error \(result)")
        }
      }
      return stream.avail_in == 0 ? nil : damaged("\(stream.avail_in) bytes follow its end")
    }
    if let failure { throw failure }
    return output
  }

  private static let firstCapacity = 1 << 20

  private func damaged(_ reason: String) -> Status {
    Status(.internalError, "cannot decompress the message (\(rawValue)): \(reason)")
  }
}
