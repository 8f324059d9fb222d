import NIOCore
import RPC
import Testing

extension ServerTests {
  @Suite struct ClientTests {
    @Test func `calls are spread over connections`() async throws {
      try await TestServer.run { test in
        let client = Client(test.server.endpoints[0], connections: 3, group: TestServer.group)
        for index in 0..<9 {
          let response = try await client.call(
            "/test.Echo/Echo", ByteBuffer(string: "\(index)"), timeout: TestServer.patience)
          #expect(String(buffer: response.message) == "\(index)")
        }
        #expect(test.server.connectionCount == 3)
        await client.shutDown()
      }
    }

    @Test func `without a server calls fail with the reason`() async throws {
      let client = Client(.unix(path: "/tmp/no such socket"), group: TestServer.group)
      let status = await client.outcome("/test.Echo/Echo")
      #expect(status.code == .unavailable)
      #expect(status.message.hasPrefix("cannot connect to unix:/tmp/no such socket: "), "\(status)")
      await client.shutDown()
    }

    @Test func `a server that does not speak HTTP2 is given up`() async throws {
      let listener = try await Listener.listen(
        on: [.tcp(host: "127.0.0.1", port: 0)], tls: nil, maximumConnections: 10, group: TestServer.group
      ) { _ in }
      var options = ClientOptions()
      options.connectTimeout = .milliseconds(50)
      let client = Client(listener.endpoints[0], options: options, group: TestServer.group)
      let status = await client.outcome("/test.Echo/Echo")
      #expect(status.message.hasSuffix("no HTTP/2 settings within 0.05 seconds"), "\(status)")
      await client.shutDown()
      #expect(await listener.drain(within: TestServer.patience) == 0)
    }

    @Test func `after a shutdown calls fail`() async throws {
      try await TestServer.run { test in
        await test.client.shutDown()
        await #expect(throws: Status(.unavailable, "the client is shut down")) { try await test.call("Echo") }
      }
    }

    @Test func `a client finds a server that was started again`() async throws {
      var options = ClientOptions()
      options.firstPause = .milliseconds(5)
      options.longestPause = .milliseconds(5)
      var router = Router()
      router.add("/a/B") { $0.respond($0.message) }
      let first = try await Server.start(
        on: [.tcp(host: "127.0.0.1", port: 0)], router: router, group: TestServer.group)
      let caller = Client(first.endpoints[0], options: options, group: TestServer.group)
      #expect(
        try await caller.call("/a/B", ByteBuffer(string: "1"), timeout: TestServer.patience).message.readableBytes == 1)
      #expect(await first.drain(within: TestServer.patience) == 0)
      let second = try await Server.start(on: first.endpoints, router: router, group: TestServer.group)
      #expect(await caller.outcomeWhenAvailable("/a/B") == .ok)
      await caller.shutDown()
      #expect(await second.drain(within: TestServer.patience) == 0)
    }
  }
}
