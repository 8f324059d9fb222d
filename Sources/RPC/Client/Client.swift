import NIOCore
import NIOPosix
import Synchronization

/// Makes unary calls to one gRPC server. Thread-safe; any number of calls at a time.
public final class Client: Sendable {
  /// The answer to a call that ended with OK.
  public struct Response: Sendable {
    public var message: ByteBuffer
    /// Headers, before the message.
    public var metadata: Metadata
    /// Behind the message.
    public var trailers: Metadata
  }

  public typealias Completion = @Sendable (Result<Response, Status>) -> Void

  private let connections: [ClientConnection]
  private let options: ClientOptions
  private let next = Atomic<Int>(0)

  /// Connects when the first call is made.
  ///
  /// - Parameters:
  ///   - connections: How many to spread calls over. One connection is served by one event loop on either side.
  ///   - tls: Nil for connections in the clear.
  public init(
    _ endpoint: Endpoint, connections: Int = 1, tls: ClientTLS? = nil, options: ClientOptions = ClientOptions(),
    group: any EventLoopGroup
  ) {
    self.options = options
    self.connections = (0..<max(1, connections)).map { _ in
      ClientConnection(endpoint, tls: tls, options: options, eventLoop: group.next())
    }
  }

  /// Calls a method.
  ///
  /// - Parameters:
  ///   - path: `/package.Service/Method`.
  ///   - message: The request.
  ///   - timeout: Also told to the server. Nil waits for ever.
  ///   - completion: Called once, on an event loop that it must not block.
  /// - Returns: For giving up the call.
  @discardableResult
  public func call(
    _ path: String, _ message: ByteBuffer, metadata: Metadata = [:], timeout: Duration? = nil,
    completion: @escaping Completion
  ) -> PendingCall {
    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
    let connection = connections[Int(UInt(bitPattern: index) % UInt(connections.count))]
    let pending = PendingCall(eventLoop: connection.eventLoop)
    let limit = options.messageBytes
    connection.eventLoop.execute {
      let stream = ClientStream(
        path: path, message: message, metadata: metadata, timeout: timeout.map { TimeAmount($0) },
        connection: connection, messageLimit: limit, completion: completion)
      let bound = NIOLoopBound(stream, eventLoop: connection.eventLoop)
      pending.began { bound.value.cancel() }
      stream.start()
    }
    return pending
  }

  /// Calls a method and waits for the answer. Cancelling the task cancels the call.
  public func call(
    _ path: String, _ message: ByteBuffer, metadata: Metadata = [:], timeout: Duration? = nil
  ) async throws(Status) -> Response {
    let cancel = Mutex<(pending: PendingCall?, isCancelled: Bool)>((nil, false))
    let result: Result<Response, Status> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let pending = call(path, message, metadata: metadata, timeout: timeout) { continuation.resume(returning: $0) }
        let isCancelled = cancel.withLock {
          $0.pending = pending
          return $0.isCancelled
        }
        if isCancelled { pending.cancel() }
      }
    } onCancel: {
      let pending = cancel.withLock {
        $0.isCancelled = true
        return $0.pending
      }
      pending?.cancel()
    }
    return try result.get()
  }

  /// Closes the connections; calls under way fail with `UNAVAILABLE`.
  public func shutDown() async {
    for connection in connections { await connection.shutDown() }
  }
}

/// A call under way. Thread-safe.
public final class PendingCall: Sendable {
  private let eventLoop: any EventLoop
  /// Guards how to cancel, once the call has begun.
  private let cancellation = Mutex<(@Sendable () -> Void)?>(nil)

  init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func began(_ cancel: @escaping @Sendable () -> Void) { cancellation.withLock { $0 = cancel } }

  /// Gives up the call: the server is told, and the call completes with `CANCELLED` unless it has completed.
  public func cancel() {
    // Behind the beginning of the call, which was given to the same loop before.
    eventLoop.execute { [self] in
      let cancel = cancellation.withLock { $0 }
      cancel?()
    }
  }
}
