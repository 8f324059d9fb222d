import NIOCore
import NIOHPACK

/// Collects the one message of a unary call and hands it to the handler. Confined to its event loop.
final class UnaryExchange: Exchange {
  private let path: String
  private let metadata: Metadata
  private let deadline: NIODeadline?
  private let compression: Compression?
  private let handler: any UnaryHandler
  private unowned let stream: ServerStream
  private let state = CallState()
  private var assembler: MessageAssembler
  private var frame: ByteBuffer?
  private var bytesHeld = 0

  init(
    path: String, metadata: Metadata, deadline: NIODeadline?, compression: Compression?, handler: any UnaryHandler,
    stream: ServerStream
  ) {
    self.path = path
    self.metadata = metadata
    self.deadline = deadline
    self.compression = compression
    self.handler = handler
    self.stream = stream
    assembler = MessageAssembler(limit: stream.core.limits.messageBytes)
  }

  deinit { stream.core.budget.give(back: bytesHeld) }

  func received(_ bytes: ByteBuffer) {
    do throws(Status) {
      try hold(bytes.readableBytes)
      assembler.append(bytes, allocator: stream.allocator)
      if frame == nil { frame = try assembler.next(allocator: stream.allocator) }
      if frame != nil, !assembler.isEmpty {
        throw Status(.internalError, "expected one request message, got more")
      }
    } catch {
      stream.fail(error)
    }
  }

  func requestEnded(trailers: HPACKHeaders?) {
    do throws(Status) {
      guard let frame else {
        throw Status(
          .internalError,
          assembler.isEmpty ? "expected one request message, got none" : "the request message is cut off")
      }
      let message = try message(in: frame, allocator: stream.allocator)
      let call = Call(
        path: path, metadata: metadata, message: message, frame: frame, deadline: deadline, state: state,
        stream: NIOLoopBound(stream, eventLoop: stream.eventLoop), eventLoop: stream.eventLoop,
        budget: stream.core.budget, bytesHeld: bytesHeld)
      bytesHeld = 0
      self.frame = nil
      handler.handle(call)
    } catch {
      stream.fail(error)
    }
  }

  func readCompleted() {}

  func writabilityChanged(_ writable: Bool) {}

  func ended(_ why: Cancellation?) {
    if let why { state.cancel(why) }
  }

  private func message(in frame: ByteBuffer, allocator: ByteBufferAllocator) throws(Status) -> ByteBuffer {
    let message = try MessageAssembler.message(
      in: frame, compression: compression, limit: assembler.limit, allocator: allocator)
    // Decompressed, it is a buffer of its own.
    if message.readableBytes != frame.readableBytes - MessageAssembler.prefixLength { try hold(message.readableBytes) }
    return message
  }

  private func hold(_ count: Int) throws(Status) {
    guard stream.core.budget.take(count) else {
      throw Status(
        .resourceExhausted, "the server holds as many bytes of requests as it may (\(stream.core.budget.limit))")
    }
    bytesHeld += count
  }
}
