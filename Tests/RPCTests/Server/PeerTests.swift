import RPC
import Testing

extension ServerTests {
  /// Python's grpcio, which is gRPC's own C core, against our server.
  @Suite struct PeerTests {
    @Test(arguments: [
      "unary", "unknown_method", "failure", "deadline", "cancel", "gzip", "deflate", "large", "too_large", "many",
      "metadata", "keepalive",
    ])
    func `grpcio is served`(scenario: String) async throws {
      var limits = ServerLimits()
      limits.messageBytes = 64 << 20
      try await TestServer.run(limits: limits) { test in
        try await TestServer.python([TestServer.peer, "127.0.0.1:\(test.port)", scenario])
      }
    }
  }
}

extension TestServer {
  static let peer = root.appending(path: "Tests/RPCTests/Peers/grpc_peer.py").path
}
