import NIOCore

/// The nine bytes in front of every frame. RFC 9113, 4.1.
struct FrameHeader {
  enum Kind: UInt8 {
    case data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate, continuation
  }

  struct Flags: OptionSet {
    let rawValue: UInt8
    static let endStream = Flags(rawValue: 0x1)
    /// Of SETTINGS and PING.
    static let acknowledgement = Flags(rawValue: 0x1)
    static let endHeaders = Flags(rawValue: 0x4)
    static let padded = Flags(rawValue: 0x8)
    static let priority = Flags(rawValue: 0x20)
  }

  static let byteCount = 9

  /// Of the payload that follows.
  var length: Int
  /// Nil for one that is not known, and to be ignored.
  var kind: Kind?
  var flags: Flags
  /// Zero for the connection as a whole.
  var stream: UInt32

  init(_ kind: Kind, length: Int, flags: Flags = [], stream: UInt32 = 0) {
    self.length = length
    self.kind = kind
    self.flags = flags
    self.stream = stream
  }

  /// Reads the header at the buffer's reader index and leaves the buffer as it is; nil when there are fewer bytes.
  init?(peekingAt buffer: ByteBuffer) {
    guard buffer.readableBytes >= Self.byteCount,
      let first = buffer.getInteger(at: buffer.readerIndex, as: UInt64.self),
      let last = buffer.getInteger(at: buffer.readerIndex + 8, as: UInt8.self)
    else { return nil }
    length = Int(first >> 40)
    kind = Kind(rawValue: UInt8(truncatingIfNeeded: first >> 32))
    flags = Flags(rawValue: UInt8(truncatingIfNeeded: first >> 24))
    // The highest bit is reserved.
    stream = UInt32(truncatingIfNeeded: first & 0x7F_FFFF) << 8 | UInt32(last)
  }

  /// - Precondition: `kind` is known.
  func write(to buffer: inout ByteBuffer) {
    let first = UInt64(length) << 40 | UInt64(kind?.rawValue ?? 0) << 32 | UInt64(flags.rawValue) << 24
    buffer.writeMultipleIntegers(first | UInt64(stream >> 8), UInt8(truncatingIfNeeded: stream))
  }
}
