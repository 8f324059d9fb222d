import NIOCore
import NIOHTTP2

/// One HTTP/2 connection of a server as a whole: its handshake, silence, idleness, errors and end. Confined to its event
/// loop.
///
/// It ends gracefully in two steps, RFC 9113, 6.8: a GOAWAY that refuses no call yet, with a PING; when that is answered,
/// the client has seen it, and a GOAWAY names the last call. Then the connection closes with its last call. A client
/// that does not answer the PING is not waited for.
final class ServerConnection: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  private enum Phase { case serving, announced, draining, closed }

  private let limits: ServerLimits
  private var context: ChannelHandlerContext?
  private var phase = Phase.serving
  private var openStreams = 0
  private var lastStream = HTTP2StreamID.rootStream
  private var wasRead = false
  private var handshakeTimer: Scheduled<Void>?
  private var idleTimer: Scheduled<Void>?
  private var keepaliveTimer: Scheduled<Void>?
  private var drainTimer: Scheduled<Void>?

  /// For the answer to the PING that announces the end.
  private static let pingAnswer = TimeAmount.seconds(1)
  private static let drainPing = HTTP2PingData(withInteger: 0x6472_6169_6E)
  private static let keepalivePing = HTTP2PingData(withInteger: 0x616C_6976_65)

  init(limits: ServerLimits) { self.limits = limits }

  // MARK: The connection's events

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    handshakeTimer = after(limits.handshake) { $0.close() }
    watchForSilence()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    closed()
    self.context = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    closed()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // The client's preface ends with its SETTINGS.
    handshakeTimer?.cancel()
    if case .ping(Self.drainPing, ack: true) = unwrapInboundIn(data).payload { nameLastCall() }
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    wasRead = true
    context.fireChannelReadComplete()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent { announceEnd() }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // After any other error, HTTP/2 has sent GOAWAY, or the transport is broken.
    if !error.concernsOneCall, !isLateCall(error) { close() }
  }

  /// Calls that cross our GOAWAY are refused by NIOHTTP2, which then knows nothing of their further frames. Those under
  /// way are not to suffer from it.
  private func isLateCall(_ error: any Error) -> Bool { phase != .serving && error is NIOHTTP2Errors.NoSuchStream }

  // MARK: Calls

  func streamOpened(_ id: HTTP2StreamID) {
    openStreams += 1
    lastStream = max(lastStream, id)
    idleTimer?.cancel()
  }

  func streamClosed() {
    openStreams -= 1
    guard openStreams == 0 else { return }
    if phase == .draining {
      closeNextTick()
    } else if let idle = limits.idle {
      idleTimer = after(idle) { $0.announceEnd() }
    }
  }

  // MARK: The end

  private func announceEnd() {
    guard phase == .serving, let context else { return }
    phase = .announced
    idleTimer?.cancel()
    write(.goAway(lastStreamID: .maxID, errorCode: .noError, opaqueData: nil))
    write(.ping(Self.drainPing, ack: false))
    context.flush()
    drainTimer = after(Duration(Self.pingAnswer)) { $0.nameLastCall() }
  }

  private func nameLastCall() {
    guard phase == .announced, let context else { return }
    phase = .draining
    drainTimer?.cancel()
    write(.goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil))
    context.flush()
    if openStreams == 0 { closeNextTick() }
  }

  /// The last call's frames are written, and not yet flushed: the flush comes in this turn of the event loop.
  private func closeNextTick() {
    guard let context else { return }
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    context.eventLoop.execute { bound.value.close() }
  }

  private func close() {
    guard phase != .closed, let context else { return }
    phase = .closed
    context.close(promise: nil)
  }

  private func closed() {
    phase = .closed
    for timer in [handshakeTimer, idleTimer, keepaliveTimer, drainTimer] { timer?.cancel() }
  }

  // MARK: Silence

  private func watchForSilence() {
    wasRead = false
    keepaliveTimer = after(limits.keepaliveAfter) {
      if $0.wasRead { $0.watchForSilence() } else { $0.askWhetherAlive() }
    }
  }

  private func askWhetherAlive() {
    guard let context else { return }
    write(.ping(Self.keepalivePing, ack: false))
    context.flush()
    keepaliveTimer = after(limits.keepaliveTimeout) {
      if $0.wasRead { $0.watchForSilence() } else { $0.close() }
    }
  }

  private func write(_ payload: HTTP2Frame.FramePayload) {
    context?.write(wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: payload)), promise: nil)
  }

  private func after(_ delay: Duration, _ body: @escaping @Sendable (ServerConnection) -> Void) -> Scheduled<Void>? {
    guard let context else { return nil }
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    return context.eventLoop.scheduleTask(in: TimeAmount(delay)) { body(bound.value) }
  }
}

/// Tells a connection's handler of its calls.
struct ServerStreamDelegate: NIOHTTP2StreamDelegate {
  let connection: NIOLoopBound<ServerConnection>

  func streamCreated(_ id: HTTP2StreamID, channel: any Channel) { connection.value.streamOpened(id) }

  func streamClosed(_ id: HTTP2StreamID, channel: any Channel) { connection.value.streamClosed() }
}

extension Error {
  /// Whether NIOHTTP2 has reset one stream for this error, and the connection is still good.
  var concernsOneCall: Bool {
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
