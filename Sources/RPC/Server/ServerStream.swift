import NIOCore
import NIOHPACK
import NIOHTTP2

/// One call on a connection of a server: checks that it is a gRPC call, hands it to what its method needs, keeps its
/// deadline, and writes the answer. Confined to its event loop.
final class ServerStream {
  let id: UInt32
  let core: ServerCore
  let eventLoop: any EventLoop
  let allocator: ByteBufferAllocator
  /// Nil when the stream is closed.
  private var connection: ServerConnection?
  private var exchange: (any Exchange)?
  private var requestHeaders: HPACKHeaders?
  private(set) var requestHasEnded = false
  private var headersSent = false
  private var answerHasEnded = false
  private(set) var deadline: NIODeadline?
  /// Whether anything moved since the connection last looked.
  private var hasProgressed = true

  // Flow control; the connection's.
  var receiveWindow = FlowWindow(ServerLimits.streamWindow)
  var sendWindow: Int

  /// What of the answer is yet to be sent.
  private(set) var answer = AnswerQueue()
  private var isWritable = true

  private var isReading = true
  /// What came while nothing was to be read: one window at most.
  private var unread: [(bytes: ByteBuffer, consumed: Int)] = []
  private var endIsUnread = false

  init(_ id: UInt32, connection: ServerConnection) {
    self.id = id
    self.connection = connection
    core = connection.core
    eventLoop = connection.eventLoop
    allocator = connection.allocator
    sendWindow = connection.initialSendWindow
  }

  // MARK: The connection's events

  func begin(_ head: RequestHead, ended: Bool) {
    requestHasEnded = ended
    requestHeaders = head.headers
    open(head, ended: ended)
  }

  func receive(_ bytes: ByteBuffer, consumed: Int, ended: Bool) {
    hasProgressed = true
    if ended { requestHasEnded = true }
    guard isReading else {
      if consumed > 0 { unread.append((bytes, consumed)) }
      endIsUnread = ended
      return
    }
    hand(bytes, consumed: consumed, ended: ended)
  }

  private func hand(_ bytes: ByteBuffer, consumed: Int, ended: Bool) {
    if !requestHasEnded { connection?.giveBack(consumed, to: self) }
    if bytes.readableBytes > 0 { exchange?.received(bytes) }
    if ended { exchange?.requestEnded(trailers: nil) }
  }

  func receiveTrailers(_ trailers: HPACKHeaders) {
    hasProgressed = true
    requestHasEnded = true
    // Trailers say nothing in gRPC; behind what was not read yet they are an end like any other.
    guard isReading else { return endIsUnread = true }
    exchange?.requestEnded(trailers: trailers)
  }

  func readCompleted() { exchange?.readCompleted() }

  /// Stops or resumes the reading of the request; the window then holds the client back.
  func setReading(_ reading: Bool) {
    guard reading != isReading else { return }
    isReading = reading
    guard reading, !unread.isEmpty || endIsUnread else { return }
    let parts = unread
    unread = []
    for (index, part) in parts.enumerated() {
      guard isReading else {
        unread = Array(parts[index...])
        break
      }
      hand(part.bytes, consumed: part.consumed, ended: false)
    }
    if isReading, endIsUnread {
      endIsUnread = false
      exchange?.requestEnded(trailers: nil)
    }
    exchange?.readCompleted()
    connection?.flush()
  }

  /// Some of the answer has gone.
  func sent(_ count: Int, ends: Bool) {
    hasProgressed = true
    answer.removeFirst(count)
    if !isWritable, answer.byteCount <= AnswerQueue.low {
      isWritable = true
      exchange?.writabilityChanged(true)
    }
    if ends, answer.isEmpty { answerLeft() }
  }

  /// The connection has forgotten the stream: the client has withdrawn it, or is gone.
  func closed(_ why: Cancellation?) {
    connection = nil
    answer.removeAll()
    end(answerHasEnded ? nil : why)
  }

  func checkDeadline(_ now: NIODeadline) {
    guard let deadline, deadline <= now, !answerHasEnded else { return }
    self.deadline = nil
    let exchange = exchange
    self.exchange = nil
    finish(Status(.deadlineExceeded, "Deadline Exceeded"))
    exchange?.ended(.deadlineExceeded)
  }

  func checkForStall() {
    let waitsForClient = !requestHasEnded || answerHasEnded
    if hasProgressed || !waitsForClient || exchange is StreamingExchange || exchange is ForwardingExchange {
      hasProgressed = !waitsForClient
    } else if answerHasEnded {
      // The client does not take the answer.
      reset(.cancel)
    } else {
      fail(Status(.deadlineExceeded, "no byte of the request came for \(core.limits.stall)"))
    }
  }

  // MARK: The request

  private func open(_ head: RequestHead, ended: Bool) {
    guard head.method == "POST" else { return refuse(http: "405", "expected POST") }
    guard let type = head.contentType, Self.isGRPC(type) else {
      return refuse(http: "415", "expected content-type application/grpc")
    }
    guard let route = core.router.route(head.path) else {
      return fail(Status(.unimplemented, "unknown method \(head.path)"))
    }
    if case .forward(let upstream) = route { return forward(nil, to: upstream) }

    if let text = head.timeout {
      guard let timeout = CallTimeout.parse(text) else {
        return fail(Status(.internalError, "malformed grpc-timeout: \(text)"))
      }
      deadline = .now() + timeout
    }
    let compression: Compression?
    switch head.encoding {
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
        path: head.path, metadata: Metadata(head.headers), deadline: deadline, compression: compression,
        handler: handler, stream: self)
    case .streaming(let handler):
      exchange = StreamingExchange(
        path: head.path, metadata: Metadata(head.headers), compression: compression, handler: handler, stream: self)
    case .forward: break
    }
    if let deadline { connection?.watch(deadline) }
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

  // MARK: The answer

  /// Sends the one message of a unary call, and OK.
  func respond(_ pieces: [ByteBuffer], metadata: Metadata, trailers: Metadata) {
    guard connection != nil, !answerHasEnded else { return }
    sendHeaders(metadata)
    queueMessage(pieces)
    finish(.ok, trailers: trailers)
  }

  /// Sends one of several messages.
  func send(_ message: ByteBuffer) {
    guard connection != nil, !answerHasEnded else { return }
    sendHeaders([:])
    queueMessage([message])
    sendQueued()
    flush()
  }

  /// Sends a status that is not OK in place of an answer.
  func fail(_ status: Status, metadata: Metadata = [:]) {
    finish(status, trailers: metadata)
  }

  /// Ends the answer. Without a message before, headers and trailers are one frame.
  func finish(_ status: Status, trailers: Metadata = [:]) {
    guard !answerHasEnded else { return }
    if status.code == .ok, headersSent { return endAnswer(with: .ok(trailers)) }
    var headers: HPACKHeaders = headersSent ? [:] : AnswerHeaders.answerHeaders
    headers.add(name: "grpc-status", value: "\(status.code.rawValue)")
    if !status.message.isEmpty {
      headers.add(name: "grpc-message", value: PercentEncoding.encode(status.message))
    }
    if !trailers.isEmpty { headers.add(contentsOf: trailers.headers) }
    endAnswer(with: .other(headers))
  }

  private func refuse(http status: String, _ reason: String) {
    endAnswer(
      with: .other([
        ":status": status, "content-type": "application/grpc", "grpc-status": "\(Status.Code.unknown.rawValue)",
        "grpc-message": PercentEncoding.encode(reason),
      ]))
  }

  private func sendHeaders(_ metadata: Metadata) {
    guard !headersSent else { return }
    headersSent = true
    answer.append(.headers(.answer(metadata), ends: false))
  }

  /// Pieces up to this size are copied together: a frame of its own costs more than the copy.
  private static let smallPiece = 16 << 10

  private func queueMessage(_ pieces: [ByteBuffer]) {
    let length = pieces.reduce(0) { $0 + $1.readableBytes }
    var gathered = allocator.buffer(capacity: MessageAssembler.prefixLength + min(length, Self.smallPiece))
    gathered.writeInteger(UInt8(0))
    gathered.writeInteger(UInt32(length))
    for piece in pieces {
      if piece.readableBytes <= Self.smallPiece {
        gathered.writeImmutableBuffer(piece)
      } else {
        answer.append(.data(gathered, ends: false))
        answer.append(.data(piece, ends: false))
        gathered = ByteBuffer()
      }
    }
    if gathered.readableBytes > 0 { answer.append(.data(gathered, ends: false)) }
  }

  private func endAnswer(with headers: AnswerHeaders) {
    guard connection != nil, !answerHasEnded else { return }
    answer.append(.headers(headers, ends: true))
    answerEnded()
  }

  private func answerEnded() {
    headersSent = true
    answerHasEnded = true
    hasProgressed = true
    deadline = nil
    unread = []
    let exchange = exchange
    self.exchange = nil
    let connection = connection
    connection?.send(self)
    exchange?.ended(nil)
    connection?.flush()
  }

  private func sendQueued() {
    connection?.send(self)
    if isWritable, answer.byteCount > AnswerQueue.high {
      isWritable = false
      exchange?.writabilityChanged(false)
    }
  }

  /// The answer is on its way. The rest of the request is not wanted: RFC 9113, 8.1, the client is told by RST_STREAM
  /// with NO_ERROR after a complete answer.
  private func answerLeft() {
    guard let connection else { return }
    self.connection = nil
    if requestHasEnded { connection.remove(self) } else { connection.reset(self, .noError) }
  }

  func reset(_ code: HTTP2ErrorCode) {
    guard let connection else { return }
    self.connection = nil
    answer.removeAll()
    connection.reset(self, code)
    connection.flush()
    end(.byClient)
  }

  private func end(_ why: Cancellation?) {
    unread = []
    deadline = nil
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
    guard connection != nil, let requestHeaders, !answerHasEnded else { return }
    // Upstream has been told the deadline, and answers with its own words.
    deadline = nil
    let exchange = ForwardingExchange(headers: requestHeaders, stream: self)
    self.exchange = exchange
    if let frame { exchange.received(frame) }
    if requestHasEnded { exchange.requestEnded(trailers: nil) }
    exchange.start(upstream.connection(on: eventLoop))
  }

  /// A frame of the upstream's answer.
  func pass(_ payload: HTTP2Frame.FramePayload, endStream: Bool) {
    guard !answerHasEnded, connection != nil else { return }
    headersSent = true
    hasProgressed = true
    switch payload {
    case .headers(let frame): answer.append(.headers(.other(frame.headers), ends: endStream))
    case .data(let frame):
      guard case .byteBuffer(let bytes) = frame.data else { return }
      answer.append(.data(bytes, ends: endStream))
    default: return
    }
    if endStream { answerEnded() } else { sendQueued() }
  }

  /// The exchange has handed on what came, and wants to be told when that was all for now.
  func tellOfReadEnd() { connection?.tellOfReadEnd(self) }

  func flush() { connection?.flush() }
}
