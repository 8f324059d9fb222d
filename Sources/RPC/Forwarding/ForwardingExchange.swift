import NIOCore
import NIOHPACK
import NIOHTTP2

/// Passes the frames of one call between a client and an upstream server as they are: headers, messages (compressed or
/// not), trailers, resets. Confined to one event loop, on which both connections live.
///
/// Each side is read only while the other takes what it is sent, so a call holds no more than a window's worth.
final class ForwardingExchange: Exchange {
  private unowned let stream: ServerStream
  private let clientChannel: any Channel
  private let leg: UpstreamLeg

  init(headers: HPACKHeaders, stream: ServerStream, channel: any Channel) {
    self.stream = stream
    clientChannel = channel
    leg = UpstreamLeg(headers: headers)
    leg.exchange = self
  }

  func start(_ connection: ClientConnection) {
    clientChannel.setAutoRead(false)
    let leg = NIOLoopBound(leg, eventLoop: clientChannel.eventLoop)
    connection.openStream { channel in
      channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(leg.value) }
    } onFailure: { status in
      leg.value.failed(status)
    }
  }

  // MARK: From the client

  func received(_ bytes: ByteBuffer) { leg.send(.data(.init(data: .byteBuffer(bytes)))) }

  func requestEnded(trailers: HPACKHeaders?) {
    if let trailers {
      leg.send(.headers(.init(headers: trailers, endStream: true)))
    } else {
      leg.sendEnd()
    }
  }

  func readCompleted() { leg.flush() }

  func writabilityChanged(_ writable: Bool) { leg.setAutoRead(writable) }

  func ended(_ why: Cancellation?) {
    leg.exchange = nil
    leg.cancel()
  }

  // MARK: From upstream

  func upstreamIsWritable(_ writable: Bool) { clientChannel.setAutoRead(writable) }

  func answer(_ payload: HTTP2Frame.FramePayload, endStream: Bool) { stream.pass(payload, endStream: endStream) }

  func answerReadCompleted() { stream.flush() }

  /// Upstream reset the call.
  func answerReset(_ code: HTTP2ErrorCode) { stream.reset(code) }

  /// There is no upstream, or not any more.
  func answerFailed(_ status: Status) { stream.fail(status) }
}
