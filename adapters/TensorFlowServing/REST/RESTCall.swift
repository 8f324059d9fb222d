import NIOCore
import NIOHTTP1
import Synchronization

/// One request at a server: all of it, and the one place for its answer.
///
/// Thread-safe. The first answer counts; answers to a call whose client has gone, or whose time was over, are dropped. A
/// call that is let go without an answer is answered as an internal error.
final class RESTCall: Sendable {
  let head: HTTPRequestHead
  /// As it came, compressed or not.
  let body: ByteBuffer
  let started: NIODeadline
  let eventLoop: any EventLoop
  private let isOpenFlag = Atomic(true)
  /// Called on the event loop, once.
  private let send: @Sendable (RESTResponse) -> Void
  private let onEnd: @Sendable () -> Void

  /// - Parameters:
  ///   - send: takes the answer, on `eventLoop`.
  ///   - onEnd: called when nothing needs the body any more, on any thread.
  init(
    head: HTTPRequestHead, body: ByteBuffer, started: NIODeadline, eventLoop: any EventLoop,
    send: @escaping @Sendable (RESTResponse) -> Void, onEnd: @escaping @Sendable () -> Void
  ) {
    self.head = head
    self.body = body
    self.started = started
    self.eventLoop = eventLoop
    self.send = send
    self.onEnd = onEnd
  }

  deinit {
    onEnd()
    if close() {
      let send = send
      eventLoop.execute { send(RESTResponse(TensorFlowStatus(.internalError, "The server gave no answer"))) }
    }
  }

  /// Whether an answer would still be sent.
  var isOpen: Bool { isOpenFlag.load(ordering: .relaxed) }

  /// From now on answers are dropped.
  ///
  /// - Returns: whether they were not before.
  @discardableResult
  func close() -> Bool { isOpenFlag.exchange(false, ordering: .relaxed) }

  func respond(_ response: RESTResponse) {
    guard close() else { return }
    if eventLoop.inEventLoop { send(response) } else { eventLoop.execute { [send] in send(response) } }
  }
}
