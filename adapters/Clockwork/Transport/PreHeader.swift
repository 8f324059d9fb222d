/// The 48 bytes that begin every frame: six little-endian words.
struct PreHeader: Equatable {
  static let byteCount = 48

  /// Bytes of the protobuf message that follows.
  var headerByteCount: UInt64
  /// Bytes that follow the message.
  var bodyByteCount: UInt64
  var type: UInt64
  /// Pairs a response with its request between client and controller; without meaning between controller and worker.
  var messageID: UInt64
  /// When the frame was made, on the sender's clock.
  var sent: Nanoseconds
  /// The sender's ``ClockEstimate/delay``.
  var delay: Int64

  init(headerByteCount: UInt64, bodyByteCount: UInt64, type: UInt64, messageID: UInt64, sent: Nanoseconds, delay: Int64)
  {
    self.headerByteCount = headerByteCount
    self.bodyByteCount = bodyByteCount
    self.type = type
    self.messageID = messageID
    self.sent = sent
    self.delay = delay
  }

  /// - Precondition: at least 48 bytes.
  init(_ bytes: UnsafeRawBufferPointer) {
    func word(_ index: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }
    self.init(
      headerByteCount: word(0), bodyByteCount: word(1), type: word(2), messageID: word(3), sent: word(4),
      delay: Int64(bitPattern: word(5)))
  }

  var bytes: [UInt8] {
    [headerByteCount, bodyByteCount, type, messageID, sent, UInt64(bitPattern: delay)].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
    }
  }
}
