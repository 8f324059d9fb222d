import Wire

/// What one side of a link accepts from the other.
struct FrameRules: Sendable {
  /// Names the messages in errors: "action", "result".
  let what: String
  let types: ClosedRange<UInt64>
  /// Types outside of ``types`` that are accepted as well.
  var moreTypes: [UInt64] = []
  let hasBody: @Sendable (UInt64) -> Bool
  /// Bytes of a message. Clockwork's own limit is ten times this; no message of ours comes near.
  var headerLimit = 1 << 20
  /// Bytes of a body, which Clockwork does not limit.
  var bodyLimit = 512 << 20

  func check(_ preHeader: PreHeader) throws(ClockworkError) {
    let type = preHeader.type
    guard types.contains(type) || moreTypes.contains(type) else {
      throw .malformedFrame(
        reason: "expected type \(types.lowerBound) to \(types.upperBound) of \(what), got \(type)")
    }
    guard preHeader.headerByteCount <= UInt64(headerLimit) else {
      throw .malformedFrame(
        reason: "a header of \(preHeader.headerByteCount) bytes, at most \(headerLimit) are accepted")
    }
    guard preHeader.bodyByteCount <= UInt64(bodyLimit) else {
      throw .malformedFrame(reason: "a body of \(preHeader.bodyByteCount) bytes, at most \(bodyLimit) are accepted")
    }
    guard preHeader.bodyByteCount == 0 || hasBody(type) else {
      throw .malformedFrame(reason: "a body of \(preHeader.bodyByteCount) bytes, where type \(type) has none")
    }
  }
}

/// A frame that came, whole.
struct IncomingFrame: Sendable {
  let type: UInt64
  let messageID: UInt64
  let header: [UInt8]
  let body: OwnedBytes
  /// When all of it was there, on our clock.
  let received: Nanoseconds
  /// How the clocks differ, as far as was known then.
  let delta: ClockDelta
}

/// A frame to be sent.
struct OutgoingFrame: Sendable {
  let type: UInt64
  var messageID: UInt64 = 0
  let header: [UInt8]
  var body: [UInt8] = []

  var byteCount: Int { PreHeader.byteCount + header.count + body.count }
}
