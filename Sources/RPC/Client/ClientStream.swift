import NIOCore
import NIOHPACK
import NIOHTTP2

/// One unary call of a client. Confined to its event loop.
final class ClientStream: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private let path: String
  private let message: ByteBuffer
  private let metadata: Metadata
  private let timeout: TimeAmount?
  private let connection: ClientConnection
  private var completion: Client.Completion?

  private var context: ChannelHandlerContext?
  private var isOpen = false
  private var assembler: MessageAssembler
  private var headers: HPACKHeaders?
  private var answer: ByteBuffer?
  private var deadline: Scheduled<Void>?
  private var lastError: (any Error)?

  init(
    path: String, message: ByteBuffer, metadata: Metadata, timeout: TimeAmount?, connection: ClientConnection,
    messageLimit: Int, completion: @escaping Client.Completion
  ) {
    self.path = path
    self.message = message
    self.metadata = metadata
    self.timeout = timeout
    self.connection = connection
    self.completion = completion
    assembler = MessageAssembler(limit: messageLimit)
  }

  func start() {
    let bound = NIOLoopBound(self, eventLoop: connection.eventLoop)
    if let timeout {
      deadline = connection.eventLoop.scheduleTask(in: timeout) {
        bound.value.end(.failure(Status(.deadlineExceeded, "Deadline Exceeded")))
      }
    }
    connection.openStream { channel in
      channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(bound.value) }
    } onFailure: { status in
      bound.value.end(.failure(status))
    }
  }

  func cancel() { end(.failure(Status(.cancelled, "cancelled by the caller"))) }

  // MARK: The request

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
    guard completion != nil else { return context.close(promise: nil) }
    var headers: HPACKHeaders = [
      ":method": "POST", ":scheme": connection.scheme, ":path": path, ":authority": connection.authority,
      "content-type": "application/grpc", "te": "trailers",
    ]
    if let timeout { headers.add(name: "grpc-timeout", value: CallTimeout.text(timeout), indexing: .nonIndexable) }
    if !metadata.isEmpty { headers.add(contentsOf: metadata.headers) }
    context.write(wrapOutboundOut(.headers(.init(headers: headers))), promise: nil)
    var prefix = context.channel.allocator.buffer(capacity: MessageAssembler.prefixLength)
    prefix.writeInteger(UInt8(0))
    prefix.writeInteger(UInt32(message.readableBytes))
    if message.readableBytes <= 1 << 14 {
      prefix.writeImmutableBuffer(message)
      context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(prefix), endStream: true))), promise: nil)
    } else {
      context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(prefix)))), promise: nil)
      context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(message), endStream: true))), promise: nil)
    }
    context.flush()
  }

  // MARK: The answer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .headers(let frame):
      if headers == nil, !frame.endStream {
        headers = frame.headers
        if let refusal = refusal(of: frame.headers) { end(.failure(refusal)) }
      } else {
        finish(frame.headers)
      }
    case .data(let frame):
      guard case .byteBuffer(let bytes) = frame.data else { return }
      received(bytes, context.channel.allocator)
      if frame.endStream { end(.failure(Status(.internalError, "the answer ended without a status"))) }
    default: break
    }
  }

  private func received(_ bytes: ByteBuffer, _ allocator: ByteBufferAllocator) {
    do throws(Status) {
      assembler.append(bytes, allocator: allocator)
      guard let frame = try assembler.next(allocator: allocator) else { return }
      guard answer == nil else { throw Status(.internalError, "expected one answer, got more") }
      let compression = headers?.first(name: "grpc-encoding").flatMap(Compression.init(rawValue:))
      answer = try MessageAssembler.message(
        in: frame, compression: compression, limit: assembler.limit, allocator: allocator)
    } catch {
      end(.failure(error))
    }
  }

  private func finish(_ trailers: HPACKHeaders) {
    guard let text = trailers.first(name: "grpc-status"), let number = Int(text) else {
      return end(
        .failure(refusal(of: trailers) ?? Status(.internalError, "the answer ended without a status")))
    }
    let message = trailers.first(name: "grpc-message").map(PercentEncoding.decode) ?? ""
    let code = Status.Code(rawValue: number) ?? .unknown
    guard code == .ok else { return end(.failure(Status(code, message))) }
    guard let answer, assembler.isEmpty else {
      return end(.failure(Status(.internalError, "the call ended with OK and without a whole answer")))
    }
    let response = Client.Response(
      message: answer, metadata: Metadata(headers ?? [:]), trailers: Metadata(trailers))
    end(.success(response))
  }

  /// What the answer of a server or proxy that does not speak gRPC means. Source: gRPC, "HTTP to gRPC status code
  /// mapping".
  private func refusal(of headers: HPACKHeaders) -> Status? {
    guard let http = headers.first(name: ":status"), http != "200" else { return nil }
    let code: Status.Code =
      switch http {
      case "400": .internalError
      case "401": .unauthenticated
      case "403": .permissionDenied
      case "404": .unimplemented
      case "429", "502", "503", "504": .unavailable
      default: .unknown
      }
    return Status(code, "the server answered with HTTP status \(http)")
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { lastError = error }

  func channelInactive(context: ChannelHandlerContext) {
    end(.failure(lossStatus(connectionIsOpen: context.channel.parent?.isActive == true)))
    context.fireChannelInactive()
  }

  /// Source: gRPC over HTTP/2, "Errors".
  private func lossStatus(connectionIsOpen: Bool) -> Status {
    guard connectionIsOpen, let closed = lastError as? NIOHTTP2Errors.StreamClosed else {
      return Status(.unavailable, "the connection was lost\(lastError.map { ": \($0)" } ?? "")")
    }
    let code: Status.Code =
      switch closed.errorCode {
      case .refusedStream: .unavailable
      case .cancel: .cancelled
      case .enhanceYourCalm: .resourceExhausted
      case .inadequateSecurity: .permissionDenied
      default: .internalError
      }
    return Status(code, "the server reset the call: \(closed.errorCode)")
  }

  private func end(_ result: Result<Client.Response, Status>) {
    guard let completion else { return }
    self.completion = nil
    deadline?.cancel()
    // Before both sides have ended this sends RST_STREAM with CANCEL.
    if case .failure = result { context?.close(promise: nil) }
    completion(result)
  }
}
