import NIOCore
import NIOHPACK

/// Hands messages to the handler of a streaming call as they come. Confined to its event loop.
///
/// While the client does not take what was sent, nothing further is read from it, so that no client can make the server
/// hold answers without bound.
final class StreamingExchange: Exchange {
  private let call: StreamingCall
  private let compression: Compression?
  private unowned let stream: ServerStream
  private var assembler: MessageAssembler

  init(
    path: String, metadata: Metadata, compression: Compression?, handler: any StreamingHandler, stream: ServerStream
  ) {
    self.compression = compression
    self.stream = stream
    // Services of this kind are asked in a few words.
    assembler = MessageAssembler(limit: min(stream.core.limits.messageBytes, 1 << 20))
    call = StreamingCall(path: path, metadata: metadata, eventLoop: stream.eventLoop, stream: stream)
    handler.handle(call)
  }

  func received(_ bytes: ByteBuffer) {
    let allocator = stream.allocator
    do throws(Status) {
      assembler.append(bytes, allocator: allocator)
      while let frame = try assembler.next(allocator: allocator) {
        call.events.onMessage(
          try MessageAssembler.message(
            in: frame, compression: compression, limit: assembler.limit, allocator: allocator))
      }
    } catch {
      stream.fail(error)
    }
  }

  func requestEnded(trailers: HPACKHeaders?) {
    guard assembler.isEmpty else {
      return stream.fail(Status(.internalError, "the last request message is cut off"))
    }
    call.events.onRequestEnd()
  }

  func readCompleted() {}

  func writabilityChanged(_ writable: Bool) { stream.setReading(writable) }

  func ended(_ why: Cancellation?) {
    let onEnd = call.events.onEnd
    // Handlers capture the call: break the circle.
    call.events = StreamingCall.Events()
    onEnd()
  }
}
