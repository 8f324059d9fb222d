import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL

/// A connection to one server that is made when needed and again when lost.
///
/// Confined to its event loop but for ``shutDown()``; `Sendable` so that what lives on several loops can hold one.
final class ClientConnection: @unchecked Sendable {
  typealias StreamInitializer = @Sendable (any Channel) -> EventLoopFuture<Void>

  private struct Waiter {
    var initialize: StreamInitializer
    var onFailure: (Status) -> Void
  }

  private enum State {
    case idle
    case connecting
    case ready(any Channel, NIOHTTP2Handler.StreamMultiplexer, ClientConnectionHandler)
    /// The last attempt failed: calls fail with its reason until the pause is over.
    case pausing(until: NIODeadline, Status)
    case shutDown
  }

  let eventLoop: any EventLoop
  private let endpoint: Endpoint
  private let tls: ClientTLS?
  private let options: ClientOptions
  private var state = State.idle
  private var nextPause: Duration
  /// Calls that wait for a connection, or for the server to allow one more. NIOHTTP2 has a queue of its own, in which
  /// every event costs time for each waiting stream.
  private var waiting = CircularBuffer<Waiter>()
  /// Also those that still finish calls after a GOAWAY.
  private var channels: [ObjectIdentifier: any Channel] = [:]

  init(_ endpoint: Endpoint, tls: ClientTLS?, options: ClientOptions, eventLoop: any EventLoop) {
    self.endpoint = endpoint
    self.tls = tls
    self.options = options
    self.eventLoop = eventLoop
    nextPause = options.firstPause
  }

  var authority: String { endpoint.authority }
  var scheme: String { tls == nil ? "http" : "https" }

  /// Opens a stream. On the event loop.
  ///
  /// - Parameters:
  ///   - initialize: Adds the stream's handler, which writes when its channel becomes active.
  ///   - onFailure: Called in place of that, with `UNAVAILABLE` or `RESOURCE_EXHAUSTED`.
  func openStream(_ initialize: @escaping StreamInitializer, onFailure: @escaping (Status) -> Void) {
    eventLoop.preconditionInEventLoop()
    let waiter = Waiter(initialize: initialize, onFailure: onFailure)
    switch state {
    case .ready(_, let multiplexer, let handler) where waiting.isEmpty && handler.allowsCall:
      open(waiter, multiplexer, handler)
    case .ready, .connecting:
      guard waiting.count < options.waitingCalls else { return onFailure(tooManyCalls) }
      waiting.append(waiter)
    case .pausing(let until, let status) where NIODeadline.now() < until: onFailure(status)
    case .idle, .pausing:
      waiting.append(waiter)
      connect()
    case .shutDown: onFailure(Self.isShutDown)
    }
  }

  func shutDown() async {
    try? await eventLoop.flatSubmit { [self] in
      state = .shutDown
      failWaiting(Self.isShutDown)
      let open = Array(channels.values)
      for channel in open { channel.close(mode: .all, promise: nil) }
      return EventLoopFuture.andAllComplete(open.map(\.closeFuture), on: eventLoop)
    }.get()
  }

  private static let isShutDown = Status(.unavailable, "the client is shut down")

  private var tooManyCalls: Status {
    Status(.resourceExhausted, "\(options.waitingCalls) calls to \(endpoint) wait already")
  }

  /// As many waiting calls as the server allows.
  private func openWaiting() {
    while case .ready(_, let multiplexer, let handler) = state, handler.allowsCall,
      let waiter = waiting.popFirst()
    {
      open(waiter, multiplexer, handler)
    }
  }

  private func failWaiting(_ status: Status) {
    let waiters = waiting
    waiting.removeAll()
    for waiter in waiters { waiter.onFailure(status) }
  }

  private func open(
    _ waiter: Waiter, _ multiplexer: NIOHTTP2Handler.StreamMultiplexer, _ handler: ClientConnectionHandler
  ) {
    handler.callBegins()
    let promise = eventLoop.makePromise(of: (any Channel).self)
    let bound = NIOLoopBound((onFailure: waiter.onFailure, handler: handler), eventLoop: eventLoop)
    promise.futureResult.whenComplete { [endpoint] result in
      switch result {
      case .success(let channel): channel.closeFuture.whenComplete { _ in bound.value.handler.callEnded() }
      case .failure(let error):
        bound.value.handler.callEnded()
        bound.value.onFailure(Status(.unavailable, "cannot open a call to \(endpoint): \(error)"))
      }
    }
    multiplexer.createStreamChannel(promise: promise, waiter.initialize)
  }

  // MARK: Connecting

  private func connect() {
    state = .connecting
    let bootstrap = ClientBootstrap(group: eventLoop)
      .connectTimeout(TimeAmount(options.connectTimeout))
      .channelOption(.recvAllocator, value: Listener.receiveBuffers)
      .channelOption(.writeBufferWaterMark, value: .init(low: 1 << 18, high: 1 << 20))
      .channelInitializer { [tls, endpoint] channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls { try channel.pipeline.syncOperations.addHandler(endpoint.clientHandler(tls)) }
        }
      }
    let connected: EventLoopFuture<any Channel>
    switch endpoint {
    case .tcp(let host, let port):
      connected = bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1).connect(host: host, port: port)
    case .unix(let path): connected = bootstrap.connect(unixDomainSocketPath: path)
    }
    connected.whenComplete { [self] result in
      switch result {
      case .success(let channel): handshake(channel)
      case .failure(let error): failed(error)
      }
    }
  }

  /// Connected is not enough: the server's SETTINGS show that it speaks HTTP/2.
  private func handshake(_ channel: any Channel) {
    let id = ObjectIdentifier(channel)
    channels[id] = channel
    channel.closeFuture.whenComplete { [self] _ in channels[id] = nil }
    guard case .connecting = state else { return channel.close(promise: nil) }
    let handler = ClientConnectionHandler(options: options, eventLoop: eventLoop)
    handler.onReady = { [self, unowned handler] multiplexer in
      guard case .connecting = state else { return }
      nextPause = options.firstPause
      state = .ready(channel, multiplexer, handler)
      openWaiting()
    }
    handler.onRoom = { [self] in openWaiting() }
    handler.onUnusable = { [self] reason in
      switch state {
      case .connecting: failed(reason)
      case .ready(let current, _, _) where current === channel:
        state = .idle
        if !waiting.isEmpty { connect() }
      default: break
      }
    }
    handler.start(channel)
  }

  private func failed(_ error: any Error) {
    guard case .connecting = state else { return }
    let status = Status(.unavailable, "cannot connect to \(endpoint): \(error)")
    // Spread clients that lost the same server: 20 % either way, as gRPC's connection backoff has it.
    state = .pausing(until: .now() + TimeAmount(nextPause * Double.random(in: 0.8...1.2)), status)
    nextPause = min(nextPause * options.pauseGrowth, options.longestPause)
    failWaiting(status)
  }
}

extension Endpoint {
  fileprivate func clientHandler(_ tls: ClientTLS) throws -> NIOSSLClientHandler {
    // A certificate's names are checked against the host; an IP address cannot be sent as server name.
    if case .tcp(let host, _) = self, (try? SocketAddress(ipAddress: host, port: 0)) == nil {
      return try NIOSSLClientHandler(context: tls.context, serverHostname: host)
    }
    return try NIOSSLClientHandler(context: tls.context, serverHostname: nil)
  }
}
