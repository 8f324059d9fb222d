import Wire

/// Takes a stream of bytes apart into frames. Bytes may come in pieces of any size. Used by one thread.
struct FrameReader<Source: ByteSource> {
  private let source: Source
  private let rules: FrameRules
  /// What was read from the source and not yet asked for.
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  private var pending = 0..<0

  init(_ source: Source, rules: FrameRules) {
    self.source = source
    self.rules = rules
  }

  /// Waits for a whole frame.
  ///
  /// - Parameter onPreHeader: called as soon as the first 48 bytes are there, for that is when a frame counts as received
  ///   for the clocks; returns what is known of them then.
  /// - Returns: `nil` at the end of the stream, if that is between two frames.
  mutating func next(
    clock: NodeClock, onPreHeader: (PreHeader) -> ClockDelta
  ) throws(ClockworkError) -> IncomingFrame? {
    if pending.isEmpty, try !refill() { return nil }
    var first = [UInt8](repeating: 0, count: PreHeader.byteCount)
    try read(into: &first)
    let preHeader = first.withUnsafeBytes { PreHeader($0) }
    try rules.check(preHeader)
    let delta = onPreHeader(preHeader)
    var header = [UInt8](repeating: 0, count: Int(preHeader.headerByteCount))
    try read(into: &header)
    // Memory that is never touched costs nothing, should the body never come.
    let body = try OwnedBytes(byteCount: Int(preHeader.bodyByteCount)) { (bytes) throws(ClockworkError) in
      try read(into: bytes)
    }
    return IncomingFrame(
      type: preHeader.type, messageID: preHeader.messageID, header: header, body: body, received: clock.now(),
      delta: delta)
  }

  private mutating func read(into target: inout [UInt8]) throws(ClockworkError) {
    let result = target.withUnsafeMutableBytes { bytes in
      Result { () throws(ClockworkError) in try read(into: bytes) }
    }
    try result.get()
  }

  private mutating func read(into target: UnsafeMutableRawBufferPointer) throws(ClockworkError) {
    var filled = 0
    while filled < target.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: target[filled...])
      if !pending.isEmpty {
        let count = min(rest.count, pending.count)
        buffer.withUnsafeBytes { rest.copyMemory(from: .init(rebasing: $0[pending.prefix(count)])) }
        pending = (pending.lowerBound + count)..<pending.upperBound
        filled += count
      } else if rest.count >= buffer.count {
        let count = try source.read(into: rest)
        guard count > 0 else { throw .connectionClosed }
        filled += count
      } else if try !refill() {
        throw .connectionClosed
      }
    }
  }

  /// False at the end of the stream.
  private mutating func refill() throws(ClockworkError) -> Bool {
    let source = source
    let result = buffer.withUnsafeMutableBytes { bytes in
      Result { () throws(ClockworkError) in try source.read(into: bytes) }
    }
    pending = 0..<(try result.get())
    return !pending.isEmpty
  }
}
