import NIOCore
import NIOHTTP1
import NIOPosix
import RPC
import Synchronization

/// A TensorFlow Serving beside this server, for models that are not managed here: requests go there as they came, byte
/// for byte, and so do answers come back.
///
/// Connections are kept and used again, each on the event loop of the calls that use it. Thread-safe.
final class RESTUpstream: Sendable {
  /// Kept without work, for each event loop.
  private static let idleLimit = 16
  private static let connectTimeout = TimeAmount.seconds(5)

  private let endpoint: Endpoint
  private let timeout: Duration
  private let bodyLimit: Int
  /// Guards the connections that wait for work.
  private let idle = Mutex<[ObjectIdentifier: [any Channel]]>([:])

  init(_ endpoint: Endpoint, timeout: Duration, bodyLimit: Int) {
    self.endpoint = endpoint
    self.timeout = timeout
    self.bodyLimit = bodyLimit
  }

  func forward(_ call: RESTCall) {
    guard call.eventLoop.inEventLoop else { return call.eventLoop.execute { self.forward(call) } }
    let key = ObjectIdentifier(call.eventLoop)
    let used = idle.withLock { idle -> (any Channel)? in
      while let channel = idle[key]?.popLast() { if channel.isActive { return channel } }
      return nil
    }
    if let used { exchange(call, on: used, isUsed: true) } else { connect(for: call) }
  }

  func close() {
    let channels = idle.withLock { idle in
      defer { idle = [:] }
      return idle.values.flatMap { $0 }
    }
    for channel in channels { channel.close(promise: nil) }
  }

  private func connect(for call: RESTCall) {
    let bootstrap = ClientBootstrap(group: call.eventLoop)
      .connectTimeout(Self.connectTimeout)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHTTPClientHandlers() }
      }
    let connected =
      switch endpoint {
      case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
      case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
      }
    connected.whenComplete { result in
      switch result {
      case .success(let channel): self.exchange(call, on: channel, isUsed: false)
      case .failure(let error):
        call.respond(
          RESTResponse(TensorFlowStatus(.unavailable, "Cannot connect to the upstream \(self.endpoint): \(error)")))
      }
    }
  }

  /// - Parameter isUsed: the upstream may have closed the connection meanwhile; then another is opened.
  private func exchange(_ call: RESTCall, on channel: any Channel, isUsed: Bool) {
    let exchange = UpstreamExchange(bodyLimit: bodyLimit) { [self] outcome in
      switch outcome {
      case .answered(let response, let keepsAlive):
        call.respond(response)
        if keepsAlive { keep(channel) } else { channel.close(promise: nil) }
      case .unanswered where isUsed: connect(for: call)
      case .unanswered, .failed:
        channel.close(promise: nil)
        call.respond(
          RESTResponse(TensorFlowStatus(.unavailable, "The upstream \(endpoint) closed the connection")))
      case .tooLarge:
        channel.close(promise: nil)
        call.respond(RESTResponse(TensorFlowStatus(.resourceExhausted, "The upstream's answer is too large")))
      }
    }
    do {
      try channel.pipeline.syncOperations.addHandler(exchange)
    } catch {
      return call.respond(
        RESTResponse(TensorFlowStatus(.unavailable, "The upstream \(endpoint) closed the connection")))
    }
    let timer = channel.eventLoop.scheduleTask(in: .nanoseconds(timeout.nanoseconds)) {
      channel.close(promise: nil)
      call.respond(
        RESTResponse(TensorFlowStatus(.deadlineExceeded, "The upstream \(self.endpoint) did not answer in time")))
    }
    exchange.onEnd = { timer.cancel() }
    var head = call.head
    // These are between the client and us; the body goes on as it came, whole.
    for name in HopByHop.names { head.headers.remove(name: name) }
    head.headers.remove(name: "expect")
    if call.body.readableBytes > 0 || call.head.method == .POST || call.head.method == .PUT {
      head.headers.replaceOrAdd(name: "Content-Length", value: "\(call.body.readableBytes)")
    }
    head.version = .http1_1
    channel.write(HTTPClientRequestPart.head(head), promise: nil)
    if call.body.readableBytes > 0 {
      channel.write(HTTPClientRequestPart.body(.byteBuffer(call.body)), promise: nil)
    }
    channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
  }

  private func keep(_ channel: any Channel) {
    let key = ObjectIdentifier(channel.eventLoop)
    let isKept = idle.withLock { idle in
      var channels = (idle[key] ?? []).filter(\.isActive)
      guard channels.count < Self.idleLimit else { return false }
      channels.append(channel)
      idle[key] = channels
      return true
    }
    if !isKept { channel.close(promise: nil) }
  }
}

/// Headers that are for one connection and not for the message. RFC 9110 §7.6.1
private enum HopByHop {
  static let names = [
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length",
  ]
}

/// One request and its answer on an upstream connection.
private final class UpstreamExchange: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPClientResponsePart

  enum Outcome {
    case answered(RESTResponse, keepsAlive: Bool)
    /// The connection ended before anything came.
    case unanswered
    /// It ended in the middle.
    case failed
    case tooLarge
  }

  var onEnd: (() -> Void)?
  private let bodyLimit: Int
  private let completion: (Outcome) -> Void
  private var head: HTTPResponseHead?
  private var body = ByteBuffer()
  private var isDone = false

  init(bodyLimit: Int, completion: @escaping (Outcome) -> Void) {
    self.bodyLimit = bodyLimit
    self.completion = completion
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): if head.status.code >= 200 { self.head = head }
    case .body(var bytes):
      guard body.readableBytes + bytes.readableBytes <= bodyLimit else { return finish(.tooLarge, context) }
      body.writeBuffer(&bytes)
    case .end:
      guard let head else { return }
      var headers = head.headers
      let keepsAlive = head.isKeepAlive
      for name in HopByHop.names { headers.remove(name: name) }
      finish(
        .answered(RESTResponse(status: head.status, headers: headers, body: body), keepsAlive: keepsAlive), context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    finish(head == nil ? .unanswered : .failed, context)
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { finish(.failed, context) }

  private func finish(_ outcome: Outcome, _ context: ChannelHandlerContext) {
    guard !isDone else { return }
    isDone = true
    onEnd?()
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
    completion(outcome)
  }
}
