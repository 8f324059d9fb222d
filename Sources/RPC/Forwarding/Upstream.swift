import NIOCore
import Synchronization

/// A neighbouring gRPC server that calls are forwarded to. Thread-safe.
///
/// Connections are made when first needed, one for each event loop that forwards, and made again when lost, with growing
/// pauses. While there is none, calls fail at once with `UNAVAILABLE`.
public final class Upstream: Sendable {
  public let endpoint: Endpoint
  private let tls: ClientTLS?
  private let options: ClientOptions
  /// Guards the table only: connections themselves are confined to their loops.
  private let connections = Mutex<[ObjectIdentifier: ClientConnection]>([:])

  /// - Parameter tls: Nil for a connection in the clear.
  public init(_ endpoint: Endpoint, tls: ClientTLS? = nil, options: ClientOptions = ClientOptions()) {
    self.endpoint = endpoint
    self.tls = tls
    self.options = options
  }

  func connection(on eventLoop: any EventLoop) -> ClientConnection {
    connections.withLock { connections in
      let id = ObjectIdentifier(eventLoop)
      if let connection = connections[id] { return connection }
      let connection = ClientConnection(endpoint, tls: tls, options: options, eventLoop: eventLoop)
      connections[id] = connection
      return connection
    }
  }

  /// Closes the connections; forwarded calls fail from then on.
  public func shutDown() async {
    let all = connections.withLock { Array($0.values) }
    for connection in all { await connection.shutDown() }
  }
}
