import NIOCore

/// One call with any number of messages either way. Confined to its event loop: the handler is called there, and must
/// call there.
public final class StreamingCall {
  public let path: String
  public let metadata: Metadata
  public let eventLoop: any EventLoop
  private weak var stream: ServerStream?

  /// What happens in the call.
  public struct Events {
    public var onMessage: (ByteBuffer) -> Void = { _ in }
    /// The client sends no further message.
    public var onRequestEnd: () -> Void = {}
    /// The call is over: it was finished, cancelled, or the connection is gone. Called once.
    public var onEnd: () -> Void = {}

    public init() {}
  }

  public var events = Events()

  init(path: String, metadata: Metadata, eventLoop: any EventLoop, stream: ServerStream) {
    self.path = path
    self.metadata = metadata
    self.eventLoop = eventLoop
    self.stream = stream
  }

  public func send(_ message: ByteBuffer) { stream?.send(message) }

  public func finish(_ status: Status) { stream?.finish(status) }
}
