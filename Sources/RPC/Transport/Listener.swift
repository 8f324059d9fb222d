import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
  import Glibc
#endif

/// Sockets that accept connections, whatever is spoken on them: binding, TLS, a bound on connections, and draining.
///
/// Draining sends `ChannelShouldQuiesceEvent` through every connection's pipeline: what speaks there finishes its calls
/// and closes.
public final class Listener: Sendable {
  /// Where connections are accepted, with the ports that the system chose.
  public let endpoints: [Endpoint]
  private let sockets: [any Channel]
  private let connections: ConnectionTable

  private init(endpoints: [Endpoint], sockets: [any Channel], connections: ConnectionTable) {
    self.endpoints = endpoints
    self.sockets = sockets
    self.connections = connections
  }

  /// Begins to accept connections.
  ///
  /// - Parameters:
  ///   - tls: Nil for connections in the clear.
  ///   - maximumConnections: Further ones are closed at once.
  ///   - configure: Adds the handlers of a new connection, on its event loop.
  /// - Throws: ``RPCError`` when an address cannot be used; nothing listens then.
  public static func listen(
    on endpoints: [Endpoint], tls: ServerTLS?, maximumConnections: Int, group: any EventLoopGroup,
    configure: @escaping @Sendable (any Channel) throws -> Void
  ) async throws(RPCError) -> Listener {
    guard !endpoints.isEmpty else { throw .noAddress }
    let connections = ConnectionTable(limit: maximumConnections)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.recvAllocator, value: Self.receiveBuffers)
      .childChannelOption(.writeBufferWaterMark, value: .init(low: 1 << 18, high: 1 << 20))
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard connections.admit(channel) else { throw ChannelError.operationUnsupported }
          // Small frames at once; there is no such option on a unix socket.
          if channel.remoteAddress?.ipAddress != nil {
            try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
          }
          if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context)) }
          try configure(channel)
        }
      }
    var sockets: [any Channel] = []
    var bound: [Endpoint] = []
    for endpoint in endpoints {
      do {
        let socket: any Channel
        switch endpoint {
        case .tcp(let host, let port): socket = try await bootstrap.bind(host: host, port: port).get()
        case .unix(let path):
          socket = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        }
        sockets.append(socket)
        bound.append(endpoint.resolved(port: socket.localAddress?.port))
      } catch {
        for socket in sockets { try? await socket.close() }
        throw .cannotListen(address: endpoint.description, reason: "\(error)")
      }
    }
    return Listener(endpoints: bound, sockets: sockets, connections: connections)
  }

  /// Large requests are read in large pieces; the size follows what really comes.
  static let receiveBuffers = AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 16 << 10, maximum: 1 << 20)

  public var connectionCount: Int { connections.count }

  /// Accepts no further connection, lets every connection finish its calls, and waits for that.
  ///
  /// - Parameter limit: After which connections are cut.
  /// - Returns: How many had to be cut.
  @discardableResult
  public func drain(within limit: Duration) async -> Int {
    for socket in sockets { try? await socket.close() }
    // A socket's file outlives it.
    for case .unix(let path) in endpoints { unlink(path) }
    let open = connections.close()
    for channel in open { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    guard let eventLoop = sockets.first?.eventLoop, !open.isEmpty else { return 0 }

    let cut = NIOLockedValueBox(0)
    let timer = eventLoop.scheduleTask(in: TimeAmount(limit)) { [connections] in
      let late = connections.open
      cut.withLockedValue { $0 = late.count }
      for channel in late { channel.close(mode: .all, promise: nil) }
    }
    try? await EventLoopFuture.andAllComplete(open.map(\.closeFuture), on: eventLoop).get()
    timer.cancel()
    return cut.withLockedValue { $0 }
  }
}

extension Endpoint {
  fileprivate func resolved(port: Int?) -> Endpoint {
    guard case .tcp(let host, 0) = self, let port else { return self }
    return .tcp(host: host, port: port)
  }
}
