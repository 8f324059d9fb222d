internal import CZlib

/// Deflate streams without a header (RFC 1951), as ZIP files hold them.
enum RawDeflate {
  /// Fills `target` with what `source` unpacks to.
  ///
  /// - Returns: what is wrong with the stream, or nil when it holds exactly as many bytes as `target`.
  static func inflate(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> String? {
    var stream = z_stream()
    // A negative window size means a raw stream.
    guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      return "no memory to inflate"
    }
    defer { inflateEnd(&stream) }
    var (read, written) = (0, 0)
    var status = Z_OK
    // zlib counts in 32 bits.
    let most = 1 << 30
    // zlib wants to write even what has no bytes.
    var spare: UInt8 = 0
    return withUnsafeMutablePointer(to: &spare) { spare in
      while status == Z_OK {
        let (input, output) = (min(most, source.count - read), min(most, target.count - written))
        stream.next_in = source.baseAddress.map { ($0 + read).assumingMemoryBound(to: UInt8.self) }
        stream.avail_in = UInt32(input)
        // One byte more than there should be is room for the news that there is more.
        let isFull = output == 0
        stream.next_out =
          isFull ? spare : target.baseAddress.map { ($0 + written).assumingMemoryBound(to: UInt8.self) }
        stream.avail_out = isFull ? 1 : UInt32(output)
        status = CZlib.inflate(&stream, Z_NO_FLUSH)
        read += input - Int(stream.avail_in)
        let produced = (isFull ? 1 : output) - Int(stream.avail_out)
        if isFull, produced > 0 { return "more than \(target.count) bytes" }
        written += produced
      }
      switch status {
      case Z_STREAM_END: return written == target.count ? nil : "\(written) bytes"
      case Z_BUF_ERROR: return "a stream that ends early"
      default: return stream.msg.map { String(cString: $0) } ?? "zlib status \(status)"
      }
    }
  }

  /// The checksum of ZIP files (CRC-32 of ISO 3309).
  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    UInt32(truncatingIfNeeded: crc32_z(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count))
  }
}
