import NIOCore
import RPC
import Testing

extension ServerTests {
  @Suite struct ForwardingTests {
    /// A server that has no method of its own but `/test.Front/Decide`, in front of a ``TestServer``.
    private func withFront(
      options: ClientOptions = ClientOptions(), body: (TestServer, Server, Client) async throws -> Void
    ) async throws {
      let health = HealthService()
      health.set("model", .serving)
      try await TestServer.run(router: { health.add(to: &$0) }) { test in
        let upstream = Upstream(test.server.endpoints[0], options: options)
        try await Self.serve(upstream) { front, client in try await body(test, front, client) }
      }
    }

    private static func serve(_ upstream: Upstream, body: (Server, Client) async throws -> Void) async throws {
      var router = Router()
      router.fallback = upstream
      router.add("/test.Echo/Decide") { call in
        if String(buffer: call.message) == "ours" {
          call.respond(ByteBuffer(string: "answered here"))
        } else {
          call.forward(to: upstream)
        }
      }
      let front = try await Server.start(
        on: [.tcp(host: "127.0.0.1", port: 0)], router: router, group: TestServer.group)
      let client = Client(front.endpoints[0], group: TestServer.group)
      do {
        try await body(front, client)
      } catch {
        await client.shutDown()
        await front.drain(within: .zero)
        await upstream.shutDown()
        throw error
      }
      await client.shutDown()
      #expect(await front.drain(within: TestServer.patience) == 0)
      #expect(front.heldMessageBytes == 0)
      await upstream.shutDown()
    }

    @Test(arguments: [0, 5, 602_188, 20_000_000])
    func `calls pass with headers, message and trailers`(size: Int) async throws {
      try await withFront { _, _, client in
        let message = ByteBuffer.pattern(size)
        let response = try await client.call(
          "/test.Echo/Echo", message, metadata: ["x-ask": "through"], timeout: TestServer.patience)
        #expect(response.message == message)
        #expect(response.metadata["apparate-exit"] == "2")
        #expect(response.trailers["x-told"] == "through")
      }
    }

    @Test func `failures pass with their texts`() async throws {
      try await withFront { _, _, client in
        await #expect(throws: Status(.failedPrecondition, "Grüße: 100 %\nline 2")) {
          try await client.call("/test.Echo/Fail", ByteBuffer(), timeout: TestServer.patience)
        }
        await #expect(throws: Status(.unimplemented, "unknown method /test.Echo/Nothing")) {
          try await client.call("/test.Echo/Nothing", ByteBuffer(), timeout: TestServer.patience)
        }
      }
    }

    @Test func `a handler can look at the request and forward it`() async throws {
      var router = Router()
      router.add("/test.Echo/Decide") { call in
        call.respond(ByteBuffer(string: "upstream: " + String(buffer: call.message)))
      }
      let server = try await Server.start(
        on: [.tcp(host: "127.0.0.1", port: 0)], router: router, group: TestServer.group)
      try await Self.serve(Upstream(server.endpoints[0])) { _, client in
        let ours = try await client.call("/test.Echo/Decide", ByteBuffer(string: "ours"), timeout: TestServer.patience)
        #expect(String(buffer: ours.message) == "answered here")
        let theirs = try await client.call(
          "/test.Echo/Decide", ByteBuffer(string: "theirs"), timeout: TestServer.patience)
        #expect(String(buffer: theirs.message) == "upstream: theirs")
      }
      #expect(await server.drain(within: TestServer.patience) == 0)
    }

    @Test func `many calls at a time pass`() async throws {
      try await withFront { _, _, client in
        try await withThrowingTaskGroup(of: Bool.self) { group in
          for index in 0..<300 {
            group.addTask {
              let message = ByteBuffer(string: String(repeating: "\(index),", count: index % 200))
              let response = try await client.call("/test.Echo/Echo", message, timeout: TestServer.patience)
              return response.message == message
            }
          }
          for try await isRight in group { #expect(isRight) }
        }
      }
    }

    @Test func `a call that the client gives up is cancelled upstream`() async throws {
      try await withFront { test, _, client in
        let call = client.call("/test.Echo/Hold", ByteBuffer(), timeout: TestServer.patience) { _ in }
        let held = try await test.held.next()
        call.cancel()
        #expect(try await test.cancellations.next() == .byClient)
        _ = held
      }
    }

    @Test func `calls that stream pass`() async throws {
      try await withFront { _, front, _ in
        guard case .tcp(_, let port) = front.endpoints[0] else { return }
        try await TestServer.python([TestServer.peer, "127.0.0.1:\(port)", "health_watch", "gzip", "large"])
      }
    }

    @Test func `without an upstream server calls fail at once, and pass when it is back`() async throws {
      var options = ClientOptions()
      options.firstPause = .milliseconds(5)
      options.longestPause = .milliseconds(20)
      let first = try await Server.start(
        on: [.tcp(host: "127.0.0.1", port: 0)], router: Router(), group: TestServer.group)
      let endpoint = first.endpoints[0]
      await first.drain(within: TestServer.patience)

      try await Self.serve(Upstream(endpoint, options: options)) { _, client in
        for _ in 0..<3 { #expect(await client.outcome("/test.Echo/Echo").code == .unavailable) }
        try await TestServer.run(on: endpoint) { _ in
          #expect(await client.outcomeWhenAvailable("/test.Echo/Echo") == .ok)
        }
      }
    }

    @Test func `calls under way fail when the upstream server is cut off`() async throws {
      var router = Router()
      let held = Inbox<Call>()
      router.add("/test.Echo/Hold") { held.put($0) }
      let server = try await Server.start(
        on: [.tcp(host: "127.0.0.1", port: 0)], router: router, group: TestServer.group)
      try await Self.serve(Upstream(server.endpoints[0])) { _, client in
        let ended = Inbox<Status.Code?>()
        client.call("/test.Echo/Hold", ByteBuffer(), timeout: TestServer.patience) {
          if case .failure(let status) = $0 { ended.put(status.code) } else { ended.put(nil) }
        }
        let call = try await held.next()
        await server.drain(within: .zero)
        #expect(try await ended.next() == .unavailable)
        _ = call
      }
    }
  }
}
