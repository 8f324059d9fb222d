import NIOCore
import NIOHTTP2

/// Cuts frames out of the bytes of a connection.
///
/// DATA passes as it comes, in slices of what was read; any other frame as a whole. Only the beginning of a frame that
/// was not read whole is copied.
struct FrameReader {
  enum Part {
    case frame(FrameHeader, payload: ByteBuffer)
    /// Of a DATA frame. `consumed` is what counts for flow control: padding counts too.
    case data(FrameHeader, ByteBuffer, consumed: Int, isLast: Bool)
  }

  /// Frames other than DATA are held as a whole. Headers, the largest, have a limit of their own.
  private static let heldLimit = 64 << 10

  private let frameLimit: Int
  private var input = ByteBuffer()
  /// The beginning of a frame whose rest is yet to come; empty at most times.
  private var partial = ByteBuffer()
  /// A DATA frame whose payload is passing, and how much of it is yet to come.
  private var passing: (header: FrameHeader, left: Int)?

  /// - Parameter frameLimit: The SETTINGS_MAX_FRAME_SIZE that the peer was told.
  init(frameLimit: Int) { self.frameLimit = frameLimit }

  /// - Precondition: ``next()`` has returned nil since the last bytes.
  mutating func append(_ bytes: ByteBuffer) { input = bytes }

  /// Nil when all that is there has been handed out.
  mutating func next() throws(ConnectionError) -> Part? {
    if passing != nil { return pass() }
    if partial.readableBytes > 0 {
      guard try complete(), let header = FrameHeader(peekingAt: partial) else { return nil }
      var payload = partial
      partial = ByteBuffer()
      payload.moveReaderIndex(forwardBy: FrameHeader.byteCount)
      return try header.passes ? pass(header) : Self.part(header, payload)
    }
    guard let header = FrameHeader(peekingAt: input) else {
      hold()
      return nil
    }
    try check(header)
    if header.passes {
      input.moveReaderIndex(forwardBy: FrameHeader.byteCount)
      return pass(header)
    }
    guard let payload = input.getSlice(at: input.readerIndex + FrameHeader.byteCount, length: header.length) else {
      hold()
      return nil
    }
    input.moveReaderIndex(forwardBy: FrameHeader.byteCount + header.length)
    return try Self.part(header, payload)
  }

  private static func part(_ header: FrameHeader, _ payload: ByteBuffer) throws(ConnectionError) -> Part {
    guard header.kind == .data else { return .frame(header, payload: payload) }
    var content = payload
    try content.removePadding(header)
    return .data(header, content, consumed: header.length, isLast: true)
  }

  private mutating func pass(_ header: FrameHeader) -> Part? {
    passing = (header, header.length)
    return pass()
  }

  private mutating func pass() -> Part? {
    guard let (header, left) = passing, left == 0 || input.readableBytes > 0,
      let bytes = input.readSlice(length: min(left, input.readableBytes))
    else { return nil }
    let rest = left - bytes.readableBytes
    passing = rest > 0 ? (header, rest) : nil
    return .data(header, bytes, consumed: bytes.readableBytes, isLast: rest == 0)
  }

  /// Keeps the beginning of a frame, and lets the buffer that was read into be used again.
  private mutating func hold() {
    partial = ByteBuffer()
    partial.writeImmutableBuffer(input)
    input = ByteBuffer()
  }

  /// Adds to the held beginning of a frame, but nothing that comes after the frame.
  ///
  /// - Returns: Whether it is a whole one now, or of DATA, whose payload need not be held.
  private mutating func complete() throws(ConnectionError) -> Bool {
    while true {
      var wanted = FrameHeader.byteCount
      if let header = FrameHeader(peekingAt: partial) {
        try check(header)
        if header.passes { return true }
        wanted += header.length
        if partial.readableBytes >= wanted { return true }
      }
      guard input.readableBytes > 0,
        var more = input.readSlice(length: min(wanted - partial.readableBytes, input.readableBytes))
      else { return false }
      partial.writeBuffer(&more)
    }
  }

  private func check(_ header: FrameHeader) throws(ConnectionError) {
    guard header.length <= frameLimit else {
      throw ConnectionError(.frameSizeError, "a frame of \(header.length) bytes; the limit is \(frameLimit)")
    }
    guard header.length <= Self.heldLimit || header.kind == .data else {
      throw ConnectionError(.enhanceYourCalm, "a frame of \(header.length) bytes that is no DATA")
    }
  }
}

extension FrameHeader {
  /// Whether its payload is handed out as it comes.
  fileprivate var passes: Bool { kind == .data && !flags.contains(.padded) }
}

extension ByteBuffer {
  /// Takes away the padding of a DATA or HEADERS frame. RFC 9113, 6.1.
  mutating func removePadding(_ header: FrameHeader) throws(ConnectionError) {
    guard header.flags.contains(.padded) else { return }
    guard let padding = readInteger(as: UInt8.self), Int(padding) <= readableBytes else {
      throw ConnectionError(.protocolError, "more padding than payload")
    }
    self = getSlice(at: readerIndex, length: readableBytes - Int(padding)) ?? ByteBuffer()
  }
}
