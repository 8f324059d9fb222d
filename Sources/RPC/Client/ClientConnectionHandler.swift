import NIOCore
import NIOHTTP2

/// One HTTP/2 connection of a client as a whole: its handshake, silence, GOAWAY and end. Confined to its event loop.
final class ClientConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  /// The server can be called. Called at most once.
  var onReady: ((NIOHTTP2Handler.StreamMultiplexer) -> Void)?
  /// No further call can be made on this connection. Called once.
  var onUnusable: ((any Error) -> Void)?

  /// A call has ended, so that another one may begin.
  var onRoom: (() -> Void)?

  private var openCalls = 0
  /// The server's SETTINGS_MAX_CONCURRENT_STREAMS.
  private var streamLimit = Int.max
  private let options: ClientOptions
  private let eventLoop: any EventLoop
  private var context: ChannelHandlerContext?
  private var multiplexer: NIOHTTP2Handler.StreamMultiplexer?
  private var isLeaving = false
  private var wasRead = false
  private var error: (any Error)?
  private var handshakeTimer: Scheduled<Void>?
  private var keepaliveTimer: Scheduled<Void>?

  private struct HandshakeTimeout: Error, CustomStringConvertible {
    let limit: Duration
    var description: String { "no HTTP/2 settings within \(limit)" }
  }

  private struct ConnectionLost: Error, CustomStringConvertible {
    var description: String { "the connection was closed" }
  }

  private struct GoingAway: Error, CustomStringConvertible {
    var description: String { "the server is going away" }
  }

  init(options: ClientOptions, eventLoop: any EventLoop) {
    self.options = options
    self.eventLoop = eventLoop
  }

  /// Whether one more call is within what the server allows.
  var allowsCall: Bool { openCalls < streamLimit }

  /// Begins to speak HTTP/2 on a connected channel.
  func start(_ channel: any Channel) {
    guard channel.isActive else { return unusable(ConnectionLost()) }
    var connection = NIOHTTP2Handler.ConnectionConfiguration()
    connection.initialSettings = [
      HTTP2Setting(parameter: .enablePush, value: 0),
      HTTP2Setting(parameter: .initialWindowSize, value: 8 << 20),
      HTTP2Setting(parameter: .maxFrameSize, value: 1 << 20),
      HTTP2Setting(parameter: .maxHeaderListSize, value: 64 << 10),
    ]
    connection.targetWindowSize = 16 << 20
    connection.controlFrameRateLimit.maximumCount = 10_000
    connection.maximumRecentlyResetStreams = 10_000
    var stream = NIOHTTP2Handler.StreamConfiguration()
    stream.targetWindowSize = 8 << 20
    stream.outboundBufferSizeHighWatermark = 1 << 20
    stream.outboundBufferSizeLowWatermark = 1 << 18
    stream.streamResetFrameRateLimit.maximumCount = 100_000
    do {
      multiplexer = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
        mode: .client, connectionConfiguration: connection, streamConfiguration: stream
      ) { stream in
        // A server opens none.
        stream.close()
      }
      try channel.pipeline.syncOperations.addHandler(self)
    } catch {
      unusable(error)
      channel.close(promise: nil)
      return
    }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    handshakeTimer = eventLoop.scheduleTask(in: TimeAmount(options.connectTimeout)) {
      bound.value.give(up: HandshakeTimeout(limit: bound.value.options.connectTimeout))
    }
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    unusable(error ?? ConnectionLost())
    self.context = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data).payload {
    case .settings(.settings(let settings)):
      for setting in settings where setting.parameter == .maxConcurrentStreams { streamLimit = setting.value }
      guard onReady != nil else { return onRoom?() ?? () }
      handshakeTimer?.cancel()
      watchForSilence()
      let onReady = onReady
      self.onReady = nil
      if let multiplexer { onReady?(multiplexer) }
    case .goAway: leave()
    default: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    wasRead = true
    context.fireChannelReadComplete()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if !error.concernsOneCall { give(up: error) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    handshakeTimer?.cancel()
    keepaliveTimer?.cancel()
    unusable(error ?? ConnectionLost())
    context.fireChannelInactive()
  }

  func callBegins() { openCalls += 1 }

  func callEnded() {
    openCalls -= 1
    if isLeaving, openCalls == 0 {
      context?.close(promise: nil)
    } else {
      onRoom?()
    }
  }

  /// Calls under way may finish; further ones need a new connection.
  private func leave() {
    isLeaving = true
    unusable(GoingAway())
    if openCalls == 0 { context?.close(promise: nil) }
  }

  private func give(up error: any Error) {
    if self.error == nil { self.error = error }
    unusable(error)
    context?.close(promise: nil)
  }

  private func unusable(_ error: any Error) {
    let onUnusable = onUnusable
    self.onUnusable = nil
    onReady = nil
    onRoom = nil
    onUnusable?(error)
  }

  private func watchForSilence() {
    wasRead = false
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    keepaliveTimer = eventLoop.scheduleTask(in: TimeAmount(options.keepaliveAfter)) {
      let handler = bound.value
      // Servers resent being asked for nothing.
      if handler.wasRead || handler.openCalls == 0 { handler.watchForSilence() } else { handler.askWhetherAlive() }
    }
  }

  private func askWhetherAlive() {
    guard let context else { return }
    let ping = HTTP2Frame.FramePayload.ping(HTTP2PingData(withInteger: 0x616C_6976_65), ack: false)
    context.writeAndFlush(wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: ping)), promise: nil)
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    keepaliveTimer = eventLoop.scheduleTask(in: TimeAmount(options.keepaliveTimeout)) {
      if bound.value.wasRead { bound.value.watchForSilence() } else { bound.value.give(up: ConnectionLost()) }
    }
  }
}

extension Error {
  /// Whether NIOHTTP2 has reset one stream for this error, and the connection is still good.
  fileprivate var concernsOneCall: Bool {
    switch self {
    case is NIOHTTP2Errors.StreamClosed, is NIOHTTP2Errors.StreamError, is NIOHTTP2Errors.MissingPseudoHeader,
      is NIOHTTP2Errors.DuplicatePseudoHeader, is NIOHTTP2Errors.PseudoHeaderAfterRegularHeader,
      is NIOHTTP2Errors.UnknownPseudoHeader, is NIOHTTP2Errors.UnsupportedPseudoHeader,
      is NIOHTTP2Errors.InvalidPseudoHeaders, is NIOHTTP2Errors.MissingHostHeader,
      is NIOHTTP2Errors.DuplicateHostHeader, is NIOHTTP2Errors.EmptyPathHeader,
      is NIOHTTP2Errors.InvalidStatusValue, is NIOHTTP2Errors.InvalidHTTP2HeaderFieldName,
      is NIOHTTP2Errors.InvalidHTTP2HeaderFieldValue, is NIOHTTP2Errors.ForbiddenHeaderField,
      is NIOHTTP2Errors.InvalidPseudoHeaderValue, is NIOHTTP2Errors.ContentLengthViolated,
      is NIOHTTP2Errors.ContentLengthHeadersMismatch, is NIOHTTP2Errors.ContentLengthHeaderNegative,
      is NIOHTTP2Errors.ContentLengthHeaderMalformedValue, is NIOHTTP2Errors.TrailersWithoutEndStream:
      true
    default: false
    }
  }
}
