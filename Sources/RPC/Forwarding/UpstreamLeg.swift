import NIOCore
import NIOHPACK
import NIOHTTP2

/// The stream to the upstream server of a forwarded call. Confined to its event loop.
final class UpstreamLeg: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  weak var exchange: ForwardingExchange?
  private let headers: HPACKHeaders
  private var context: ChannelHandlerContext?
  /// What came before the stream was open, at most what one window holds.
  private var waiting: [HTTP2Frame.FramePayload] = []
  private var requestHasEnded = false
  private var isOpen = false
  private var isCancelled = false
  private var answerHasEnded = false
  private var resetCode: HTTP2ErrorCode?

  init(headers: HPACKHeaders) { self.headers = headers }

  // MARK: From the client

  func send(_ payload: HTTP2Frame.FramePayload) {
    guard isOpen, let context else {
      if !isCancelled { waiting.append(payload) }
      return
    }
    context.write(wrapOutboundOut(payload), promise: nil)
  }

  func sendEnd() {
    requestHasEnded = true
    // A frame of its own unless a waiting one can carry the flag.
    if !isOpen, case .data(var last)? = waiting.last {
      last.endStream = true
      waiting[waiting.count - 1] = .data(last)
    } else if isOpen || !waiting.isEmpty {
      send(.data(.init(data: .byteBuffer(ByteBuffer()), endStream: true)))
    }
  }

  func flush() {
    guard isOpen, let context else { return }
    context.flush()
    if !context.channel.isWritable { exchange?.upstreamIsWritable(false) }
  }

  func setAutoRead(_ enabled: Bool) { context?.channel.setAutoRead(enabled) }

  /// Nobody waits for the answer, or it has come: RST_STREAM with CANCEL unless both sides have ended.
  func cancel() {
    isCancelled = true
    waiting = []
    guard !(answerHasEnded && requestHasEnded) else { return }
    context?.close(promise: nil)
  }

  func failed(_ status: Status) {
    waiting = []
    exchange?.answerFailed(status)
  }

  // MARK: The stream's events

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { open(context) }
  }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelActive(context: ChannelHandlerContext) {
    open(context)
    context.fireChannelActive()
  }

  private func open(_ context: ChannelHandlerContext) {
    guard !isOpen else { return }
    isOpen = true
    guard !isCancelled else { return context.close(promise: nil) }
    context.write(
      wrapOutboundOut(.headers(.init(headers: headers, endStream: requestHasEnded && waiting.isEmpty))), promise: nil)
    for payload in waiting { context.write(wrapOutboundOut(payload), promise: nil) }
    waiting = []
    context.flush()
    if context.channel.isWritable { exchange?.upstreamIsWritable(true) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let payload = unwrapInboundIn(data)
    switch payload {
    case .headers(let frame): pass(payload, endStream: frame.endStream)
    case .data(let frame): pass(payload, endStream: frame.endStream)
    default: break
    }
  }

  private func pass(_ payload: HTTP2Frame.FramePayload, endStream: Bool) {
    if endStream { answerHasEnded = true }
    exchange?.answer(payload, endStream: endStream)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    exchange?.answerReadCompleted()
    context.fireChannelReadComplete()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    exchange?.upstreamIsWritable(context.channel.isWritable)
    context.fireChannelWritabilityChanged()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let closed = error as? NIOHTTP2Errors.StreamClosed { resetCode = closed.errorCode }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if !answerHasEnded {
      if let resetCode, context.channel.parent?.isActive == true {
        exchange?.answerReset(resetCode)
      } else {
        exchange?.answerFailed(Status(.unavailable, "the connection to the upstream server was lost"))
      }
    }
    context.fireChannelInactive()
  }
}

extension Channel {
  /// Stops or resumes reading. On the channel's event loop.
  fileprivate func setAutoRead(_ enabled: Bool) {
    // Fails only on a closed channel, of which there is nothing to read.
    try? syncOptions?.setOption(.autoRead, value: enabled)
    if enabled { read() }
  }
}
