import NIOCore

/// One unary call at a server: the whole request, and the one place for its answer.
///
/// Thread-safe. A handler may keep the call and answer it later from any thread; the first answer counts, and answers to
/// a call that is cancelled are dropped. A call that is let go without an answer fails with `INTERNAL`.
public final class Call: Sendable {
  /// `/package.Service/Method`.
  public let path: String
  public let metadata: Metadata
  /// The request message, decompressed. Bytes of the connection's own buffer where the message came in one frame.
  public let message: ByteBuffer
  /// When the client stops to wait; nil if it waits for ever. The server itself answers `DEADLINE_EXCEEDED` then.
  public let deadline: NIODeadline?
  /// The loop of the call's connection. Answering from it costs no change of threads.
  public let eventLoop: any EventLoop

  /// Prefix and message as they came, for forwarding.
  let frame: ByteBuffer
  private let state: CallState
  private let stream: NIOLoopBound<ServerStream>
  private let budget: MemoryBudget
  private let bytesHeld: Int

  /// - Parameter bytesHeld: What was taken from `budget` for this call; given back when the call is let go.
  init(
    path: String, metadata: Metadata, message: ByteBuffer, frame: ByteBuffer, deadline: NIODeadline?, state: CallState,
    stream: NIOLoopBound<ServerStream>, eventLoop: any EventLoop, budget: MemoryBudget, bytesHeld: Int
  ) {
    self.path = path
    self.metadata = metadata
    self.message = message
    self.frame = frame
    self.deadline = deadline
    self.state = state
    self.stream = stream
    self.eventLoop = eventLoop
    self.budget = budget
    self.bytesHeld = bytesHeld
  }

  deinit {
    budget.give(back: bytesHeld)
    if state.answer() {
      let stream = stream
      onLoop { stream.value.fail(Status(.internalError, "the server gave no answer")) }
    }
  }

  /// Whether an answer would still be sent. Cheap: ask before any long work.
  public var isOpen: Bool { state.isOpen }

  /// Why the call was cancelled; nil if it was not.
  public var cancellation: Cancellation? { state.cancellation }

  /// Calls `body` once, on any thread, when the call is cancelled: at once if it already is, never after an answer.
  public func onCancel(_ body: @escaping @Sendable (Cancellation) -> Void) { state.onCancel(body) }

  /// Answers with the message that `pieces` make up, one after the other. Large pieces are sent without a copy.
  public func respond(_ pieces: [ByteBuffer], metadata: Metadata = [:], trailers: Metadata = [:]) {
    guard state.answer() else { return }
    let stream = stream
    onLoop { stream.value.respond(pieces, metadata: metadata, trailers: trailers) }
  }

  public func respond(_ message: ByteBuffer, metadata: Metadata = [:], trailers: Metadata = [:]) {
    respond([message], metadata: metadata, trailers: trailers)
  }

  /// Answers with a status that is not OK.
  public func fail(_ status: Status, metadata: Metadata = [:]) {
    guard state.answer() else { return }
    let stream = stream
    onLoop { stream.value.fail(status, metadata: metadata) }
  }

  /// Lets `upstream` answer: the request goes there byte for byte as it came, and so does the answer come back.
  public func forward(to upstream: Upstream) {
    guard state.answer() else { return }
    let (stream, frame) = (stream, frame)
    onLoop { stream.value.forward(frame, to: upstream) }
  }

  private func onLoop(_ body: @escaping @Sendable () -> Void) {
    if eventLoop.inEventLoop { body() } else { eventLoop.execute(body) }
  }
}
