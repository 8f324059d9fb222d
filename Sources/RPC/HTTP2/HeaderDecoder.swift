import NIOCore
import NIOHPACK

/// Puts header blocks together from HEADERS and CONTINUATION frames and decodes them.
struct HeaderDecoder {
  struct Block {
    let stream: UInt32
    let endsStream: Bool
    let headers: HPACKHeaders
  }

  /// Well-meaning peers need none: a block of the size allowed fits into one frame.
  private static let continuationLimit = 8

  private let byteLimit: Int
  private var decoder: HPACKDecoder
  private var open: (header: FrameHeader, bytes: ByteBuffer, continuations: Int)?

  /// - Parameter byteLimit: Of the headers of one call, counted as RFC 9113, 6.5.2 does.
  init(byteLimit: Int, allocator: ByteBufferAllocator) {
    self.byteLimit = byteLimit
    decoder = HPACKDecoder(
      allocator: allocator, maxDynamicTableSize: HPACKDecoder.maxDynamicTableSize, maxHeaderListSize: byteLimit)
  }

  /// Whether nothing but a CONTINUATION may come.
  var isOpen: Bool { open != nil }

  /// The payload of a HEADERS frame.
  mutating func begin(_ header: FrameHeader, _ payload: ByteBuffer) throws(ConnectionError) -> Block? {
    var bytes = payload
    try bytes.removePadding(header)
    if header.flags.contains(.priority) {
      guard bytes.readableBytes >= 5 else { throw ConnectionError(.frameSizeError, "HEADERS without its priority") }
      bytes.moveReaderIndex(forwardBy: 5)
    }
    guard header.flags.contains(.endHeaders) else {
      open = (header, bytes, 0)
      return nil
    }
    return try decode(header, &bytes)
  }

  mutating func add(_ header: FrameHeader, _ payload: ByteBuffer) throws(ConnectionError) -> Block? {
    guard var block = open, block.header.stream == header.stream else {
      throw ConnectionError(.protocolError, "CONTINUATION without a beginning")
    }
    open = nil
    block.continuations += 1
    // Compressed, it is hardly ever longer than what it stands for.
    guard block.continuations <= Self.continuationLimit,
      block.bytes.readableBytes + payload.readableBytes <= byteLimit
    else { throw ConnectionError(.enhanceYourCalm, "headers of more than \(byteLimit) bytes") }
    block.bytes.writeImmutableBuffer(payload)
    guard header.flags.contains(.endHeaders) else {
      open = block
      return nil
    }
    return try decode(block.header, &block.bytes)
  }

  private mutating func decode(
    _ header: FrameHeader, _ bytes: inout ByteBuffer
  ) throws(ConnectionError) -> Block {
    do {
      let headers = try decoder.decodeHeaders(from: &bytes)
      return Block(stream: header.stream, endsStream: header.flags.contains(.endStream), headers: headers)
    } catch is NIOHPACKErrors.MaxHeaderListSizeViolation {
      throw ConnectionError(.enhanceYourCalm, "headers of more than \(byteLimit) bytes")
    } catch {
      throw ConnectionError(.compressionError, "\(error)")
    }
  }
}
