import NIOCore
import NIOHPACK
import NIOHTTP2

/// One HTTP/2 stream of a server: checks that it is a gRPC call, hands it to what its method needs, keeps its deadline,
/// and writes the answer. Confined to its event loop.
final class ServerStream: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  let core: ServerCore
  private(set) var context: ChannelHandlerContext?
  private var exchange: (any Exchange)?
  private var requestHeaders: HPACKHeaders?
  private var requestHasEnded = false
  private var headersSent = false
  private var answerHasEnded = false
  private var deadlineTimer: Scheduled<Void>?
  private var stallTimer: Scheduled<Void>?
  /// Whether anything moved since the stall timer was set.
  private var hasProgressed = false

  init(core: ServerCore) { self.core = core }

  // MARK: The stream's events

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    end(.byClient)
    self.context = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    end(.byClient)
    context.fireChannelInactive()
  }

  /// The multiplexer closes the stream after an error.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    hasProgressed = true
    switch unwrapInboundIn(data) {
    case .headers(let frame):
      if requestHeaders == nil {
        begin(frame.headers, ended: frame.endStream)
      } else {
        requestHasEnded = true
        exchange?.requestEnded(trailers: frame.headers)
      }
    case .data(let frame):
      guard case .byteBuffer(let bytes) = frame.data else { return }
      if frame.endStream { requestHasEnded = true }
      exchange?.received(bytes)
      if frame.endStream { exchange?.requestEnded(trailers: nil) }
    default: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    exchange?.readCompleted()
    if !requestHasEnded { watchForStall() }
    context.fireChannelReadComplete()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    hasProgressed = true
    exchange?.writabilityChanged(context.channel.isWritable)
    context.fireChannelWritabilityChanged()
  }

  // MARK: The request

  private func begin(_ headers: HPACKHeaders, ended: Bool) {
    requestHeaders = headers
    requestHasEnded = ended
    guard headers.first(name: ":method") == "POST" else { return refuse(http: "405", "expected POST") }
    guard let type = headers.first(name: "content-type"), Self.isGRPC(type) else {
      return refuse(http: "415", "expected content-type application/grpc")
    }
    guard let path = headers.first(name: ":path"), let route = core.router.route(path) else {
      return fail(Status(.unimplemented, "unknown method \(headers.first(name: ":path") ?? "")"))
    }
    if case .forward(let upstream) = route { return forward(nil, to: upstream) }

    var deadline: NIODeadline?
    if let text = headers.first(name: "grpc-timeout") {
      guard let timeout = CallTimeout.parse(text) else {
        return fail(Status(.internalError, "malformed grpc-timeout: \(text)"))
      }
      deadline = .now() + timeout
    }
    let compression: Compression?
    switch headers.first(name: "grpc-encoding") {
    case nil, "identity": compression = nil
    case .some(let name):
      guard let known = Compression(rawValue: name) else {
        return fail(
          Status(.unimplemented, "message encoding \(name) is not supported"),
          metadata: ["grpc-accept-encoding": Compression.accepted])
      }
      compression = known
    }
    switch route {
    case .unary(let handler):
      exchange = UnaryExchange(
        path: path, metadata: Metadata(headers), deadline: deadline, compression: compression, handler: handler,
        stream: self)
    case .streaming(let handler):
      exchange = StreamingExchange(
        path: path, metadata: Metadata(headers), compression: compression, handler: handler, stream: self)
    case .forward: break
    }
    if let deadline { watch(deadline) }
    if ended { exchange?.requestEnded(trailers: nil) }
  }

  /// `application/grpc`, or with a message format behind `+` or parameters behind `;`.
  private static func isGRPC(_ type: String) -> Bool {
    let text = type.utf8
    let prefix = "application/grpc".utf8
    guard text.starts(with: prefix) else { return false }
    let next = text.dropFirst(prefix.count).first
    return next == nil || next == UInt8(ascii: "+") || next == UInt8(ascii: ";")
  }

  private func watch(_ deadline: NIODeadline) {
    guard let context, !answerHasEnded else { return }
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    deadlineTimer = context.eventLoop.scheduleTask(deadline: deadline) { bound.value.deadlineExceeded() }
  }

  private func deadlineExceeded() {
    guard !answerHasEnded else { return }
    let exchange = exchange
    self.exchange = nil
    finish(Status(.deadlineExceeded, "Deadline Exceeded"))
    exchange?.ended(.deadlineExceeded)
  }

  /// One timer for each period, not for each frame: it looks whether anything moved.
  private func watchForStall() {
    guard stallTimer == nil, let context else { return }
    hasProgressed = false
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    stallTimer = context.eventLoop.scheduleTask(in: TimeAmount(core.limits.stall)) { bound.value.checkForStall() }
  }

  private func checkForStall() {
    stallTimer = nil
    guard context != nil else { return }
    if hasProgressed || exchange is StreamingExchange || exchange is ForwardingExchange {
      watchForStall()
    } else if answerHasEnded {
      // The client does not take the answer.
      reset(.cancel)
    } else if !requestHasEnded {
      fail(Status(.deadlineExceeded, "no byte of the request came for \(core.limits.stall)"))
    }
  }

  // MARK: The answer

  /// Pieces up to this size are copied together: a frame of its own costs more than the copy.
  private static let smallPiece = 16 << 10

  private static let answerHeaders: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
  private static let okTrailers: HPACKHeaders = ["grpc-status": "0"]

  /// Sends the one message of a unary call, and OK.
  func respond(_ pieces: [ByteBuffer], metadata: Metadata, trailers: Metadata) {
    guard context != nil, !answerHasEnded else { return }
    sendHeaders(metadata)
    writeMessage(pieces)
    finish(.ok, trailers: trailers)
  }

  /// Sends one of several messages.
  func send(_ message: ByteBuffer) {
    guard let context, !answerHasEnded else { return }
    sendHeaders([:])
    writeMessage([message])
    context.flush()
  }

  /// Sends a status that is not OK in place of an answer.
  func fail(_ status: Status, metadata: Metadata = [:]) {
    finish(status, trailers: metadata)
  }

  /// Ends the answer. Without a message before, headers and trailers are one frame.
  func finish(_ status: Status, trailers: Metadata = [:]) {
    guard !answerHasEnded else { return }
    var headers = Self.okTrailers
    if status.code != .ok || !headersSent {
      headers = headersSent ? [:] : Self.answerHeaders
      headers.add(name: "grpc-status", value: "\(status.code.rawValue)")
      if !status.message.isEmpty {
        headers.add(name: "grpc-message", value: PercentEncoding.encode(status.message))
      }
    }
    if !trailers.isEmpty { headers.add(contentsOf: trailers.headers) }
    endAnswer(with: headers)
  }

  private func refuse(http status: String, _ reason: String) {
    endAnswer(with: [
      ":status": status, "content-type": "application/grpc", "grpc-status": "\(Status.Code.unknown.rawValue)",
      "grpc-message": PercentEncoding.encode(reason),
    ])
  }

  private func sendHeaders(_ metadata: Metadata) {
    guard !headersSent else { return }
    headersSent = true
    var headers = Self.answerHeaders
    if !metadata.isEmpty { headers.add(contentsOf: metadata.headers) }
    write(.headers(.init(headers: headers)))
  }

  private func writeMessage(_ pieces: [ByteBuffer]) {
    guard let context else { return }
    let length = pieces.reduce(0) { $0 + $1.readableBytes }
    var gathered = context.channel.allocator.buffer(
      capacity: MessageAssembler.prefixLength + min(length, Self.smallPiece))
    gathered.writeInteger(UInt8(0))
    gathered.writeInteger(UInt32(length))
    for piece in pieces {
      if piece.readableBytes <= Self.smallPiece {
        gathered.writeImmutableBuffer(piece)
      } else {
        write(.data(.init(data: .byteBuffer(gathered))))
        write(.data(.init(data: .byteBuffer(piece))))
        gathered = context.channel.allocator.buffer(capacity: 0)
      }
    }
    if gathered.readableBytes > 0 { write(.data(.init(data: .byteBuffer(gathered)))) }
  }

  private func write(_ payload: HTTP2Frame.FramePayload) {
    guard let context else { return }
    context.write(wrapOutboundOut(payload), promise: nil)
  }

  private func endAnswer(with headers: HPACKHeaders) {
    guard let context, !answerHasEnded else { return }
    write(.headers(.init(headers: headers, endStream: true)))
    answerEnded()
    context.flush()
    watchForStall()
  }

  /// The rest of the request is not wanted. RFC 9113, 8.1: the client is told by RST_STREAM with NO_ERROR after a
  /// complete answer.
  private func answerEnded() {
    headersSent = true
    answerHasEnded = true
    deadlineTimer?.cancel()
    if !requestHasEnded { write(.rstStream(.noError)) }
    let exchange = exchange
    self.exchange = nil
    exchange?.ended(nil)
  }

  func reset(_ code: HTTP2ErrorCode) {
    guard let context else { return }
    answerHasEnded = true
    write(.rstStream(code))
    context.flush()
    end(nil)
  }

  private func end(_ why: Cancellation?) {
    deadlineTimer?.cancel()
    stallTimer?.cancel()
    stallTimer = nil
    let exchange = exchange
    self.exchange = nil
    exchange?.ended(answerHasEnded ? nil : why)
    answerHasEnded = true
  }

  // MARK: Forwarding

  /// Lets `upstream` answer.
  ///
  /// - Parameter frame: The message, if it has come already; otherwise it passes as it comes.
  func forward(_ frame: ByteBuffer?, to upstream: Upstream) {
    guard let context, let requestHeaders, !answerHasEnded else { return }
    // Upstream has been told the deadline, and answers with its own words.
    deadlineTimer?.cancel()
    let exchange = ForwardingExchange(headers: requestHeaders, stream: self, channel: context.channel)
    self.exchange = exchange
    if let frame { exchange.received(frame) }
    if requestHasEnded { exchange.requestEnded(trailers: nil) }
    exchange.start(upstream.connection(on: context.eventLoop))
  }

  /// A frame of the upstream's answer.
  func pass(_ payload: HTTP2Frame.FramePayload, endStream: Bool) {
    guard !answerHasEnded else { return }
    headersSent = true
    hasProgressed = true
    write(payload)
    if endStream {
      answerEnded()
      flush()
      watchForStall()
    }
  }

  func flush() { context?.flush() }
}
