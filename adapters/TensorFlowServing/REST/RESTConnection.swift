import NIOCore
import NIOHTTP1

/// One HTTP/1.1 connection: gathers each request's body within bounds, hands the request on, sends its answer.
///
/// One request at a time: what comes of the next before the answer has gone out is kept, and nothing more is read then,
/// so that a client that does not read its answers cannot fill the memory with them.
final class RESTConnection: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private enum State {
    /// Between requests.
    case idle(since: NIODeadline)
    case receiving(Receiving)
    /// The rest of a request that has been refused is read and dropped.
    case refused
    case answering(RESTCall, keepsAlive: Bool, isHead: Bool)
    /// The answer is on its way to a client that may read slowly.
    case sending(pending: Int, progress: NIODeadline)
  }

  private struct Receiving {
    let head: HTTPRequestHead
    var body: ByteBuffer
    let started: NIODeadline
    var progress: NIODeadline
    /// Taken from the budget.
    var held: Int
  }

  private let server: RESTServerCore
  private var state = State.idle(since: .now())
  private var timer: RepeatedTask?
  /// Parts of requests that came before their turn.
  private var early = CircularBuffer<HTTPServerRequestPart>()
  /// A read was asked for while there were such parts.
  private var wantsRead = false
  private var isQuiescing = false

  init(server: RESTServerCore) { self.server = server }

  // MARK: Life

  func handlerAdded(context: ChannelHandlerContext) {
    let limits = server.limits
    let interval = TimeAmount.nanoseconds(max(1_000_000, min(limits.idle, limits.stall).nanoseconds / 4))
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
      let (connection, context) = bound.value
      connection.check(context, at: .now())
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
    switch state {
    case .receiving(let receiving): server.budget.give(back: receiving.held)
    case .answering(let call, _, _): call.close()
    case .idle, .refused, .sending: break
    }
    state = .refused
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  /// Ends what has taken too long.
  private func check(_ context: ChannelHandlerContext, at now: NIODeadline) {
    let limits = server.limits
    switch state {
    case .idle(let since):
      if now - since > limits.idle { context.close(promise: nil) }
    case .receiving(let receiving):
      let elapsed = now - receiving.started
      let expected = Int64(limits.bodyBytesPerSecond) * elapsed.nanoseconds / 1_000_000_000
      let isTooSlow = elapsed > limits.stall && receiving.body.readableBytes < expected
      guard isTooSlow || now - receiving.progress > limits.stall else { return }
      refuse(
        context, RESTResponse(.requestTimeout, AnswerJSON.error("The request's body did not come in time")),
        isHead: false)
    case .sending(let pending, let progress):
      let left = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
      if left < pending {
        state = .sending(pending: left, progress: now)
      } else if now - progress > limits.stall {
        context.close(promise: nil)
      }
    case .refused, .answering: break
    }
  }

  /// The server is being drained: an idle connection closes, others after their answer.
  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent {
      isQuiescing = true
      if case .idle = state { context.close(promise: nil) }
    }
    context.fireUserInboundEventTriggered(event)
  }

  // MARK: Requests

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = unwrapInboundIn(data)
    if isBusy || !early.isEmpty { early.append(part) } else { handle(part, context) }
  }

  /// While there is no room for more, the next read waits. Without early parts reading goes on, which is how the end of
  /// a client that does not wait any more is noticed.
  func read(context: ChannelHandlerContext) {
    if early.isEmpty { context.read() } else { wantsRead = true }
  }

  private var isBusy: Bool {
    switch state {
    case .answering, .sending: true
    case .idle, .receiving, .refused: false
    }
  }

  private func handle(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
    switch part {
    case .head(let head): begin(head, context)
    case .body(let bytes): append(bytes, context)
    case .end: end(context)
    }
  }

  private func handleEarly(_ context: ChannelHandlerContext) {
    while !isBusy, let part = early.popFirst() { handle(part, context) }
    if early.isEmpty, wantsRead {
      wantsRead = false
      context.read()
    }
  }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    // After a refusal nothing is read any more; the connection is about to close.
    guard case .idle = state else { return }
    let announced = head.headers.first(name: "content-length").flatMap { Int($0) }
    state = .receiving(
      Receiving(head: head, body: ByteBuffer(), started: .now(), progress: .now(), held: 0))
    if let announced, announced > server.limits.bodyBytes { return refuseTooLarge(context, head) }
    if head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" }) {
      context.writeAndFlush(
        wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .continue))), promise: nil)
    }
  }

  private func append(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
    guard case .receiving(var receiving) = state else { return }
    let count = bytes.readableBytes
    guard receiving.body.readableBytes + count <= server.limits.bodyBytes else {
      return refuseTooLarge(context, receiving.head)
    }
    guard server.budget.take(count) else {
      return refuse(
        context,
        RESTResponse(TensorFlowStatus(.resourceExhausted, "The server holds as many request bytes as it may")),
        isHead: false)
    }
    state = .refused
    receiving.held += count
    receiving.progress = .now()
    if receiving.body.readableBytes == 0 {
      receiving.body = bytes
    } else {
      var bytes = bytes
      receiving.body.writeBuffer(&bytes)
    }
    state = .receiving(receiving)
  }

  private func refuseTooLarge(_ context: ChannelHandlerContext, _ head: HTTPRequestHead) {
    refuse(
      context,
      RESTResponse(
        .payloadTooLarge, AnswerJSON.error("The request's body has more than \(server.limits.bodyBytes) bytes")),
      isHead: head.method == .HEAD)
  }

  /// Answers before the request is there as a whole, and closes: there is no telling where the next one would begin.
  private func refuse(_ context: ChannelHandlerContext, _ response: RESTResponse, isHead: Bool) {
    if case .receiving(let receiving) = state { server.budget.give(back: receiving.held) }
    write(response, context, keepsAlive: false, isHead: isHead)
    state = .refused
  }

  private func end(_ context: ChannelHandlerContext) {
    guard case .receiving(let receiving) = state else { return }
    let (server, held) = (server, receiving.held)
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let call = RESTCall(
      head: receiving.head, body: receiving.body, started: receiving.started, eventLoop: context.eventLoop,
      send: { response in
        let (connection, context) = bound.value
        connection.send(response, context)
      }, onEnd: { server.budget.give(back: held) })
    state = .answering(
      call, keepsAlive: receiving.head.isKeepAlive, isHead: receiving.head.method == .HEAD)
    server.handler.handle(call)
  }

  // MARK: Answers

  private func send(_ response: RESTResponse, _ context: ChannelHandlerContext) {
    // Otherwise the connection has gone.
    guard case .answering(_, let keepsAlive, let isHead) = state else { return }
    write(response, context, keepsAlive: keepsAlive && !isQuiescing, isHead: isHead)
  }

  private func write(
    _ response: RESTResponse, _ context: ChannelHandlerContext, keepsAlive: Bool, isHead: Bool
  ) {
    var headers = response.headers
    headers.replaceOrAdd(name: "Content-Length", value: "\(response.body.readableBytes)")
    // HTTP/1.0 needs the one, HTTP/1.1 the other.
    headers.replaceOrAdd(name: "Connection", value: keepsAlive ? "keep-alive" : "close")
    if server.options.enablesCORS {
      headers.replaceOrAdd(name: "Access-Control-Allow-Origin", value: "*")
      headers.replaceOrAdd(name: "Access-Control-Allow-Methods", value: "POST, GET")
      headers.replaceOrAdd(name: "Access-Control-Allow-Headers", value: "Content-Type")
    }
    state = .sending(pending: .max, progress: .now())
    let head = HTTPResponseHead(version: .http1_1, status: response.status, headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if response.body.readableBytes > 0, !isHead {
      context.write(wrapOutboundOut(.body(.byteBuffer(response.body))), promise: nil)
    }
    let sent = context.eventLoop.makePromise(of: Void.self)
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    sent.futureResult.whenComplete { result in
      let (connection, context) = bound.value
      connection.sent(result, context, keepsAlive: keepsAlive)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: sent)
  }

  private func sent(_ result: Result<Void, any Error>, _ context: ChannelHandlerContext, keepsAlive: Bool) {
    if case .success = result, case .refused = state { return linger(context) }
    guard case .success = result, keepsAlive else { return context.close(promise: nil) }
    guard case .sending = state else { return }
    state = .idle(since: .now())
    if isQuiescing { return context.close(promise: nil) }
    handleEarly(context)
  }

  /// The client may still be sending. Closing at once would make its system drop the answer that it has not read yet.
  private func linger(_ context: ChannelHandlerContext) {
    context.close(mode: .output, promise: nil)
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.eventLoop.scheduleTask(in: Self.lingering) { bound.value.close(promise: nil) }
  }

  private static let lingering = TimeAmount.seconds(2)
}
