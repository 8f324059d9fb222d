import NIOCore
import NIOHPACK
import NIOHTTP2

/// One HTTP/2 connection of a server: its frames, flow control and streams, its handshake, silence, idleness, errors and
/// end. Confined to its event loop.
///
/// Written for calls of a few frames each: a call costs no channel, no timer and no promise of its own, and what answers
/// it leaves in one write. Source: RFC 9113; what a peer may take is in ``ServerLimits``.
///
/// It ends gracefully in two steps, RFC 9113, 6.8: a GOAWAY that refuses no call yet, with a PING; when that is answered,
/// the client has seen it, and a GOAWAY names the last call. Then the connection closes with its last call. A client
/// that does not answer the PING is not waited for.
final class ServerConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum Phase { case serving, announced, draining, closed }

  let core: ServerCore
  let eventLoop: any EventLoop
  let allocator: ByteBufferAllocator
  private var limits: ServerLimits { core.limits }
  private var context: ChannelHandlerContext?
  private var phase = Phase.serving

  // What comes.
  private var prefaceLeft = preface[...]
  private var hasSettings = false
  private var reader = FrameReader(frameLimit: ServerLimits.frameBytes)
  private var headerDecoder: HeaderDecoder
  /// Open streams. A stream that is not here and not above `lastSeen` is closed.
  private var streams: [UInt32: ServerStream] = [:]
  private var lastSeen: UInt32 = 0
  /// The last that was not refused, for GOAWAY.
  private var lastStream: UInt32 = 0
  private var receiveWindow = FlowWindow(ServerLimits.connectionWindow)
  /// Calls that are told when all that came at once has been handed out.
  private var readers: [ServerStream] = []
  private var isReading = false
  private var wasRead = false

  // What goes.
  private var out: ByteBuffer
  private var hasUnflushed = false
  private var headerEncoder: HeaderEncoder
  private var sendWindow = FlowWindow.defaultSize
  private(set) var initialSendWindow = FlowWindow.defaultSize
  private var sendFrameBytes = 16 << 10

  // What a peer may take.
  private var cancellations: RateLimit
  private var controlFrames: RateLimit
  private var glitches = 0
  /// Frames that the peer made us write since it last took something.
  private var repliesWaiting = 0
  private static let repliesLimit = 10_000

  private var handshakeTimer: Scheduled<Void>?
  private var idleTimer: Scheduled<Void>?
  private var keepaliveTimer: Scheduled<Void>?
  private var drainTimer: Scheduled<Void>?
  /// One for all calls, at the earliest deadline or before.
  private var deadlineTimer: Scheduled<Void>?
  private var nextDeadline = NIODeadline.distantFuture
  /// One for all calls: each looks whether anything moved.
  private var stallTimer: Scheduled<Void>?

  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  /// For the answer to the PING that announces the end.
  private static let pingAnswer = TimeAmount.seconds(1)
  private static let drainPing: UInt64 = 0x6472_6169_6E
  private static let keepalivePing: UInt64 = 0x616C_6976_65
  /// What waits in `out` for the end of a turn, at most.
  private static let outLimit = 64 << 10

  init(core: ServerCore, channel: any Channel) {
    self.core = core
    eventLoop = channel.eventLoop
    allocator = channel.allocator
    headerDecoder = HeaderDecoder(byteLimit: core.limits.headerBytes, allocator: allocator)
    headerEncoder = HeaderEncoder(allocator: allocator)
    out = allocator.buffer(capacity: 8 << 10)
    cancellations = RateLimit(perSecond: core.limits.cancellationsPerSecond)
    controlFrames = RateLimit(perSecond: core.limits.controlFramesPerSecond)
  }

  // MARK: The connection's events

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    handshakeTimer = after(limits.handshake) { $0.close() }
    watchForSilence()
    if context.channel.isActive { sendSettings() }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    closed()
    self.context = nil
  }

  func channelActive(context: ChannelHandlerContext) {
    sendSettings()
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    closed()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    var bytes = unwrapInboundIn(data)
    do throws(ConnectionError) {
      if !prefaceLeft.isEmpty { try readPreface(&bytes) }
      reader.append(bytes)
      while phase != .closed, let part = try reader.next() { try receive(part) }
    } catch {
      fail(error)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    wasRead = true
    if !readers.isEmpty {
      let readers = readers
      self.readers.removeAll(keepingCapacity: true)
      for stream in readers { stream.readCompleted() }
    }
    flush()
    context.fireChannelReadComplete()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      repliesWaiting = 0
      sendWaiting()
    }
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent { announceEnd() }
    context.fireUserInboundEventTriggered(event)
  }

  // MARK: Frames

  private func readPreface(_ bytes: inout ByteBuffer) throws(ConnectionError) {
    let count = min(bytes.readableBytes, prefaceLeft.count)
    guard let read = bytes.readBytes(length: count), prefaceLeft.starts(with: read) else {
      throw ConnectionError(.protocolError, "no preface of HTTP/2")
    }
    prefaceLeft = prefaceLeft.dropFirst(count)
  }

  private func receive(_ part: FrameReader.Part) throws(ConnectionError) {
    switch part {
    case .data(let header, let bytes, let consumed, let isLast):
      try expect(.data)
      try receiveData(header, bytes, consumed, isLast)
    case .frame(let header, let payload):
      try expect(header.kind)
      switch header.kind {
      case .headers:
        try check(header.stream & 1 == 1, "HEADERS on stream \(header.stream)")
        if let block = try headerDecoder.begin(header, payload) { try receive(block) }
      case .continuation:
        if let block = try headerDecoder.add(header, payload) { try receive(block) }
      case .reset: try receiveReset(header, payload)
      case .windowUpdate: try receiveWindowUpdate(header, payload)
      case .settings: try receiveSettings(header, payload)
      case .ping: try receivePing(header, payload)
      case .pushPromise: throw ConnectionError(.protocolError, "PUSH_PROMISE from a client")
      case .goAway: break
      case .priority, .data, nil: try countControlFrame()
      }
    }
  }

  /// Whether a frame of this kind may come now.
  private func expect(_ kind: FrameHeader.Kind?) throws(ConnectionError) {
    if !hasSettings {
      try check(kind == .settings, "expected SETTINGS as the first frame")
      hasSettings = true
      handshakeTimer?.cancel()
    }
    if headerDecoder.isOpen { try check(kind == .continuation, "expected CONTINUATION") }
  }

  private func check(_ isRight: Bool, _ reason: @autoclosure () -> String) throws(ConnectionError) {
    guard isRight else { throw ConnectionError(.protocolError, reason()) }
  }

  private func countControlFrame() throws(ConnectionError) {
    guard controlFrames.admit() else {
      throw ConnectionError(.enhanceYourCalm, "more than \(limits.controlFramesPerSecond) control frames a second")
    }
  }

  /// Something against the protocol that ends one call at most.
  private func countGlitch() throws(ConnectionError) {
    glitches += 1
    guard glitches <= limits.protocolErrorsPerConnection else {
      throw ConnectionError(.enhanceYourCalm, "more than \(limits.protocolErrorsPerConnection) errors")
    }
  }

  private func receiveData(
    _ header: FrameHeader, _ bytes: ByteBuffer, _ consumed: Int, _ isLast: Bool
  ) throws(ConnectionError) {
    guard receiveWindow.take(consumed) else {
      throw ConnectionError(.flowControlError, "more DATA than the window of the connection")
    }
    if let credit = receiveWindow.give(back: consumed) { writeWindowUpdate(0, credit) }
    guard let stream = streams[header.stream] else { return try checkClosed(header.stream) }
    let ends = isLast && header.flags.contains(.endStream)
    if bytes.readableBytes == 0, !ends, isLast { try countGlitch() }
    guard !stream.requestHasEnded else {
      try countGlitch()
      return stream.reset(.streamClosed)
    }
    guard stream.receiveWindow.take(consumed) else {
      throw ConnectionError(.flowControlError, "more DATA than the window of stream \(header.stream)")
    }
    stream.receive(bytes, consumed: consumed, ended: ends)
  }

  /// What still comes for a closed stream was under way, and is nothing to us.
  private func checkClosed(_ stream: UInt32) throws(ConnectionError) {
    try check(stream & 1 == 1 && stream <= lastSeen, "a frame for stream \(stream), which is not open")
  }

  private func receive(_ block: HeaderDecoder.Block) throws(ConnectionError) {
    if let stream = streams[block.stream] {
      guard !stream.requestHasEnded, block.endsStream, RequestHead.areTrailers(block.headers) else {
        try countGlitch()
        return stream.reset(.protocolError)
      }
      return stream.receiveTrailers(block.headers)
    }
    // Trailers of a call that we have reset.
    guard block.stream > lastSeen else { return try countGlitch() }
    lastSeen = block.stream
    // Calls that cross our GOAWAY; the client makes them again elsewhere.
    guard phase != .draining, streams.count < limits.concurrentCallsPerConnection else {
      return try writeReset(block.stream, .refusedStream)
    }
    lastStream = block.stream
    guard let head = RequestHead(block.headers) else {
      try countGlitch()
      return try writeReset(block.stream, .protocolError)
    }
    let stream = ServerStream(block.stream, connection: self)
    streams[block.stream] = stream
    idleTimer?.cancel()
    watchForStall()
    stream.begin(head, ended: block.endsStream)
  }

  private func receiveReset(_ header: FrameHeader, _ payload: ByteBuffer) throws(ConnectionError) {
    guard payload.readableBytes == 4 else { throw ConnectionError(.frameSizeError, "RST_STREAM") }
    guard cancellations.admit() else {
      throw ConnectionError(.enhanceYourCalm, "more than \(limits.cancellationsPerSecond) cancelled calls a second")
    }
    try checkClosed(header.stream)
    guard let stream = streams[header.stream] else { return }
    stream.closed(.byClient)
    remove(stream)
  }

  private func receiveWindowUpdate(_ header: FrameHeader, _ payload: ByteBuffer) throws(ConnectionError) {
    guard payload.readableBytes == 4, let value = payload.getInteger(at: payload.readerIndex, as: UInt32.self) else {
      throw ConnectionError(.frameSizeError, "WINDOW_UPDATE")
    }
    let credit = Int(value & 0x7FFF_FFFF)
    if header.stream == 0 {
      try check(credit > 0, "WINDOW_UPDATE by nothing")
      sendWindow += credit
      guard sendWindow <= FlowWindow.largest else {
        throw ConnectionError(.flowControlError, "a window of \(sendWindow) bytes")
      }
      return sendWaiting()
    }
    try checkClosed(header.stream)
    guard let stream = streams[header.stream] else { return }
    stream.sendWindow += credit
    guard credit > 0, stream.sendWindow <= FlowWindow.largest else {
      try countGlitch()
      return stream.reset(credit > 0 ? .flowControlError : .protocolError)
    }
    send(stream)
  }

  private func receiveSettings(_ header: FrameHeader, _ payload: ByteBuffer) throws(ConnectionError) {
    try check(header.stream == 0, "SETTINGS on a stream")
    try countControlFrame()
    guard !header.flags.contains(.acknowledgement) else {
      guard header.length == 0 else { throw ConnectionError(.frameSizeError, "SETTINGS that acknowledge") }
      return
    }
    guard header.length.isMultiple(of: 6) else { throw ConnectionError(.frameSizeError, "SETTINGS") }
    var payload = payload
    while let (name, value) = payload.readMultipleIntegers(as: (UInt16, UInt32).self) {
      try apply(name, Int(value))
    }
    FrameHeader(.settings, length: 0, flags: .acknowledgement).write(to: &out)
    try reply()
    sendWaiting()
  }

  /// RFC 9113, 6.5.2.
  private func apply(_ setting: UInt16, _ value: Int) throws(ConnectionError) {
    switch setting {
    case 1: try headerEncoder.setTableSize(value)
    case 2: try check(value <= 1, "SETTINGS_ENABLE_PUSH is \(value)")
    case 4:
      guard value <= FlowWindow.largest else {
        throw ConnectionError(.flowControlError, "SETTINGS_INITIAL_WINDOW_SIZE is \(value)")
      }
      for stream in streams.values {
        stream.sendWindow += value - initialSendWindow
        guard stream.sendWindow <= FlowWindow.largest else {
          throw ConnectionError(.flowControlError, "a window of \(stream.sendWindow) bytes")
        }
      }
      initialSendWindow = value
    case 5:
      try check((16_384...16_777_215).contains(value), "SETTINGS_MAX_FRAME_SIZE is \(value)")
      // A frame holds up all others.
      sendFrameBytes = min(value, ServerLimits.frameBytes)
    default: break
    }
  }

  private func receivePing(_ header: FrameHeader, _ payload: ByteBuffer) throws(ConnectionError) {
    try check(header.stream == 0, "PING on a stream")
    guard payload.readableBytes == 8, let data = payload.getInteger(at: payload.readerIndex, as: UInt64.self) else {
      throw ConnectionError(.frameSizeError, "PING")
    }
    try countControlFrame()
    if header.flags.contains(.acknowledgement) {
      if data == Self.drainPing { nameLastCall() }
    } else {
      writePing(data, .acknowledgement)
      try reply()
    }
  }

  // MARK: What goes

  private func sendSettings() {
    let settings: [(UInt16, Int)] = [
      (3, limits.concurrentCallsPerConnection), (4, ServerLimits.streamWindow), (5, ServerLimits.frameBytes),
      (6, limits.headerBytes),
    ]
    FrameHeader(.settings, length: 6 * settings.count).write(to: &out)
    for (name, value) in settings { out.writeMultipleIntegers(name, UInt32(value)) }
    writeWindowUpdate(0, ServerLimits.connectionWindow - FlowWindow.defaultSize)
    flush()
  }

  private func writeWindowUpdate(_ stream: UInt32, _ credit: Int) {
    FrameHeader(.windowUpdate, length: 4, stream: stream).write(to: &out)
    out.writeInteger(UInt32(credit))
  }

  private func writePing(_ data: UInt64, _ flags: FrameHeader.Flags = []) {
    FrameHeader(.ping, length: 8, flags: flags).write(to: &out)
    out.writeInteger(data)
  }

  private func writeGoAway(_ lastStream: UInt32, _ code: HTTP2ErrorCode, _ reason: String = "") {
    FrameHeader(.goAway, length: 8 + reason.utf8.count).write(to: &out)
    out.writeMultipleIntegers(lastStream, UInt32(code.networkCode))
    out.writeString(reason)
  }

  private func writeReset(_ stream: UInt32, _ code: HTTP2ErrorCode) throws(ConnectionError) {
    FrameHeader(.reset, length: 4, stream: stream).write(to: &out)
    out.writeInteger(UInt32(code.networkCode))
    try reply()
  }

  /// The peer made us write a frame. One that takes nothing must not make us hold them without bound.
  private func reply() throws(ConnectionError) {
    guard context?.channel.isWritable == false || out.readableBytes > Self.outLimit else { return }
    repliesWaiting += 1
    guard repliesWaiting <= Self.repliesLimit else {
      throw ConnectionError(.enhanceYourCalm, "\(Self.repliesLimit) frames are not taken")
    }
    writeOut()
  }

  /// Returns what a stream has read, for the peer to send more.
  func giveBack(_ count: Int, to stream: ServerStream) {
    if let credit = stream.receiveWindow.give(back: count) { writeWindowUpdate(stream.id, credit) }
  }

  /// Sends what the windows, and the client's reading, allow of a stream's answer.
  func send(_ stream: ServerStream) {
    guard let context, phase != .closed else { return }
    while context.channel.isWritable, let next = stream.answer.first {
      switch next {
      case .headers(let list, let ends):
        writeHeaders(list, ends: ends, stream.id)
        stream.sent(0, ends: ends)
      case .data(let bytes, let ends):
        let count = min(bytes.readableBytes, sendFrameBytes, sendWindow, stream.sendWindow)
        guard count > 0 || bytes.readableBytes == 0 else { return }
        sendWindow -= count
        stream.sendWindow -= count
        writeData(bytes, count, ends: ends, stream.id)
        stream.sent(count, ends: ends)
      }
    }
  }

  private func sendWaiting() {
    for stream in streams.values where !stream.answer.isEmpty { send(stream) }
    flush()
  }

  private func writeHeaders(_ list: AnswerHeaders, ends: Bool, _ stream: UInt32) {
    let start = out.writerIndex
    let flags: FrameHeader.Flags = ends ? [.endHeaders, .endStream] : .endHeaders
    FrameHeader(.headers, length: 0, flags: flags, stream: stream).write(to: &out)
    do throws(ConnectionError) {
      try headerEncoder.write(list, to: &out)
    } catch {
      return fail(error)
    }
    let length = out.writerIndex - start - FrameHeader.byteCount
    if length <= sendFrameBytes {
      out.setInteger(UInt8(length >> 16), at: start)
      out.setInteger(UInt16(truncatingIfNeeded: length), at: start + 1)
    } else {
      splitHeaders(from: start, flags, stream)
    }
  }

  /// A block too long for one frame. RFC 9113, 6.10.
  private func splitHeaders(from start: Int, _ flags: FrameHeader.Flags, _ stream: UInt32) {
    let first = start + FrameHeader.byteCount
    guard var block = out.getSlice(at: first, length: out.writerIndex - first) else { return }
    out.moveWriterIndex(to: start)
    var kind = FrameHeader.Kind.headers
    while let part = block.readSlice(length: min(sendFrameBytes, block.readableBytes)), part.readableBytes > 0 {
      var frame = FrameHeader(kind, length: part.readableBytes, stream: stream)
      if kind == .headers { frame.flags = flags.subtracting(.endHeaders) }
      if block.readableBytes == 0 { frame.flags.insert(.endHeaders) }
      frame.write(to: &out)
      out.writeImmutableBuffer(part)
      kind = .continuation
    }
  }

  /// Pieces up to this size are copied together: a write of its own costs more than the copy.
  private static let smallPiece = 16 << 10

  private func writeData(_ bytes: ByteBuffer, _ count: Int, ends: Bool, _ stream: UInt32) {
    let isLast = count == bytes.readableBytes
    FrameHeader(.data, length: count, flags: ends && isLast ? .endStream : [], stream: stream).write(to: &out)
    guard let part = bytes.getSlice(at: bytes.readerIndex, length: count) else { return }
    if count <= Self.smallPiece {
      out.writeImmutableBuffer(part)
      if out.readableBytes > Self.outLimit { writeOut() }
    } else {
      writeOut()
      context?.write(wrapOutboundOut(part), promise: nil)
    }
  }

  /// Hands `out` on. What was handed on leaves with the next ``flush()``.
  private func writeOut() {
    guard let context, out.readableBytes > 0 else { return }
    hasUnflushed = true
    context.write(wrapOutboundOut(out), promise: nil)
    out.clear()
  }

  /// Sends what was written, but for the time in which frames are read: then all leaves together at its end.
  func flush() {
    guard !isReading, out.readableBytes > 0 || hasUnflushed else { return }
    writeOut()
    hasUnflushed = false
    context?.flush()
  }

  // MARK: Streams

  /// Resets a stream. Both sides forget it.
  func reset(_ stream: ServerStream, _ code: HTTP2ErrorCode) {
    do throws(ConnectionError) {
      try writeReset(stream.id, code)
    } catch {
      return fail(error)
    }
    remove(stream)
  }

  func remove(_ stream: ServerStream) {
    guard streams.removeValue(forKey: stream.id) != nil, streams.isEmpty else { return }
    if phase == .draining {
      closeNextTick()
    } else if let idle = limits.idle, phase == .serving {
      idleTimer = after(idle) { $0.announceEnd() }
    }
  }

  /// Tells a stream when all that came at once has been handed out.
  func tellOfReadEnd(_ stream: ServerStream) {
    if !readers.contains(where: { $0 === stream }) { readers.append(stream) }
  }

  // MARK: Time

  /// Has ``ServerStream/checkDeadline(_:)`` called at this time.
  func watch(_ deadline: NIODeadline) {
    guard deadline < nextDeadline, phase != .closed else { return }
    nextDeadline = deadline
    deadlineTimer?.cancel()
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    deadlineTimer = eventLoop.scheduleTask(deadline: deadline) { bound.value.checkDeadlines() }
  }

  private func checkDeadlines() {
    nextDeadline = .distantFuture
    let now = NIODeadline.now()
    for stream in Array(streams.values) { stream.checkDeadline(now) }
    if let next = streams.values.compactMap(\.deadline).min() { watch(next) }
  }

  /// Calls are looked at once in a period: what has not moved for a whole one is given up.
  private func watchForStall() {
    guard stallTimer == nil, phase != .closed else { return }
    stallTimer = after(limits.stall) { $0.checkForStalls() }
  }

  private func checkForStalls() {
    stallTimer = nil
    for stream in Array(streams.values) { stream.checkForStall() }
    if !streams.isEmpty { watchForStall() }
  }

  // MARK: The end

  private func announceEnd() {
    guard phase == .serving else { return }
    phase = .announced
    idleTimer?.cancel()
    writeGoAway(UInt32(FlowWindow.largest), .noError)
    writePing(Self.drainPing)
    flush()
    drainTimer = after(Duration(Self.pingAnswer)) { $0.nameLastCall() }
  }

  private func nameLastCall() {
    guard phase == .announced else { return }
    phase = .draining
    drainTimer?.cancel()
    writeGoAway(lastStream, .noError)
    flush()
    if streams.isEmpty { closeNextTick() }
  }

  /// The last call's frames are written, and not yet flushed: the flush comes in this turn of the event loop.
  private func closeNextTick() {
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    eventLoop.execute { bound.value.close() }
  }

  private func fail(_ error: ConnectionError) {
    guard phase != .closed else { return }
    writeGoAway(lastStream, error.code, error.reason)
    isReading = false
    flush()
    close()
  }

  private func close() {
    guard phase != .closed, let context else { return }
    phase = .closed
    context.close(promise: nil)
  }

  private func closed() {
    phase = .closed
    for timer in [handshakeTimer, idleTimer, keepaliveTimer, drainTimer, deadlineTimer, stallTimer] { timer?.cancel() }
    let open = streams
    streams = [:]
    readers = []
    for stream in open.values { stream.closed(.byClient) }
  }

  // MARK: Silence

  private func watchForSilence() {
    wasRead = false
    keepaliveTimer = after(limits.keepaliveAfter) {
      if $0.wasRead { $0.watchForSilence() } else { $0.askWhetherAlive() }
    }
  }

  private func askWhetherAlive() {
    writePing(Self.keepalivePing)
    flush()
    keepaliveTimer = after(limits.keepaliveTimeout) {
      if $0.wasRead { $0.watchForSilence() } else { $0.close() }
    }
  }

  private func after(_ delay: Duration, _ body: @escaping @Sendable (ServerConnection) -> Void) -> Scheduled<Void>? {
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    return eventLoop.scheduleTask(in: TimeAmount(delay)) { body(bound.value) }
  }
}
