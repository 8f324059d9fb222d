import NIOCore

/// A gRPC server: HTTP/2 connections on TCP ports and unix sockets, calls to the handlers of a ``Router``.
public final class Server: Sendable {
  private let listener: Listener
  private let core: ServerCore

  private init(listener: Listener, core: ServerCore) {
    self.listener = listener
    self.core = core
  }

  /// Starts to serve.
  ///
  /// - Parameters:
  ///   - group: Its event loops read, write and call the handlers. Each connection stays on one.
  ///   - tls: Nil for connections in the clear.
  /// - Throws: ``RPCError`` when an address cannot be used.
  public static func start(
    on endpoints: [Endpoint], router: Router, tls: ServerTLS? = nil, limits: ServerLimits = ServerLimits(),
    group: any EventLoopGroup
  ) async throws(RPCError) -> Server {
    let core = ServerCore(router: router, limits: limits)
    let listener = try await Listener.listen(
      on: endpoints, tls: tls, maximumConnections: limits.connections, group: group
    ) { channel in
      try channel.pipeline.syncOperations.addHandler(ServerConnection(core: core, channel: channel))
    }
    return Server(listener: listener, core: core)
  }

  /// Where it listens, with the ports that the system chose.
  public var endpoints: [Endpoint] { listener.endpoints }

  public var connectionCount: Int { listener.connectionCount }

  /// Bytes of request messages held for calls at the moment.
  public var heldMessageBytes: Int { core.budget.bytesHeld }

  /// Stops: no new connections and calls, those under way finish. Returns when all connections are closed.
  ///
  /// - Parameter limit: After which connections are cut.
  /// - Returns: How many had to be cut.
  @discardableResult
  public func drain(within limit: Duration) async -> Int {
    core.router.drain()
    return await listener.drain(within: limit)
  }
}
