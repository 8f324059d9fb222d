import NIOCore
import NIOHPACK
import NIOHTTP2

/// Passes the frames of one call between a client and an upstream server as they are: headers, messages (compressed or
/// not), trailers, resets. Confined to one event loop, on which both connections live.
///
/// Each side is read only while the other takes what it is sent, so a call holds no more than a window's worth.
final class ForwardingExchange: Exchange {
  private unowned let stream: ServerStream
  private let leg: UpstreamLeg

  init(headers: HPACKHeaders, stream: ServerStream) {
    self.stream = stream
    leg = UpstreamLeg(headers: headers)
    leg.exchange = self
  }

  func start(_ connection: ClientConnection) {
    stream.setReading(false)
    let leg = NIOLoopBound(leg, eventLoop: stream.eventLoop)
    connection.openStream { channel in
      channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(leg.value) }
    } onFailure: { status in
      leg.value.failed(status)
    }
  }

  // MARK: From the client

  func received(_ bytes: ByteBuffer) {
    leg.send(.data(.init(data: .byteBuffer(bytes))))
    stream.tellOfReadEnd()
  }

  func requestEnded(trailers: HPACKHeaders?) {
    if let trailers {
      leg.send(.headers(.init(headers: trailers, endStream: true)))
    } else {
      leg.sendEnd()
    }
    stream.tellOfReadEnd()
  }

  func readCompleted() { leg.flush() }

  func writabilityChanged(_ writable: Bool) { leg.setAutoRead(writable) }

  func ended(_ why: Cancellation?) {
    leg.exchange = nil
    leg.cancel()
  }

  // MARK: From upstream

  func upstreamIsWritable(_ writable: Bool) { stream.setReading(writable) }

  func answer(_ payload: HTTP2Frame.FramePayload, endStream: Bool) { stream.pass(payload, endStream: endStream) }

  func answerReadCompleted() { stream.flush() }

  /// Upstream reset the call.
  func answerReset(_ code: HTTP2ErrorCode) { stream.reset(code) }

  /// There is no upstream, or not any more.
  func answerFailed(_ status: Status) { stream.fail(status) }
}
