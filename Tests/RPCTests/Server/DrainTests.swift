import NIOCore
import RPC
import Testing

extension ServerTests {
  @Suite struct DrainTests {
    private func start() async throws -> (Server, Client, Inbox<Call>) {
      let held = Inbox<Call>()
      var router = Router()
      router.add("/test/Hold") { held.put($0) }
      let server = try await Server.start(
        on: [.tcp(host: "127.0.0.1", port: 0)], router: router, group: TestServer.group)
      return (server, Client(server.endpoints[0], group: TestServer.group), held)
    }

    @Test func `calls under way finish, and then the connection closes`() async throws {
      let (server, client, held) = try await start()
      let ended = Inbox<String>()
      client.call("/test/Hold", ByteBuffer(), timeout: TestServer.patience) {
        ended.put((try? $0.get()).map { String(buffer: $0.message) } ?? "\($0)")
      }
      let call = try await held.next()
      async let cut = server.drain(within: TestServer.patience)
      // The second call finds no server: it is answered on neither connection.
      while await client.outcome("/test/Nothing").code == .unimplemented {}
      #expect(await client.outcome("/test/Nothing").code == .unavailable)
      #expect(call.isOpen)
      call.respond(ByteBuffer(string: "late"))
      #expect(try await ended.next() == "late")
      #expect(await cut == 0)
      #expect(server.connectionCount == 0)
      await client.shutDown()
    }

    @Test func `a call that does not end is cut after the limit`() async throws {
      let (server, client, held) = try await start()
      let ended = Inbox<Status.Code?>()
      client.call("/test/Hold", ByteBuffer(), timeout: TestServer.patience) {
        if case .failure(let status) = $0 { ended.put(status.code) } else { ended.put(nil) }
      }
      let call = try await held.next()
      #expect(await server.drain(within: .milliseconds(50)) == 1)
      #expect(try await ended.next() == .unavailable)
      #expect(call.cancellation == .byClient)
      await client.shutDown()
    }

    @Test func `a client that speaks no HTTP2 does not hold up the end`() async throws {
      let (server, client, _) = try await start()
      let raw = try await RawConnection(to: server.endpoints[0])
      #expect(await server.drain(within: TestServer.patience) == 0)
      try await raw.closed()
      await client.shutDown()
    }

    @Test func `a unix socket's file goes with the server`() async throws {
      let path = "/tmp/rpc-tests-\(UInt64.random(in: 0 ... .max)).sock"
      let server = try await Server.start(on: [.unix(path: path)], router: Router(), group: TestServer.group)
      await server.drain(within: TestServer.patience)
      let client = Client(.unix(path: path), group: TestServer.group)
      await #expect(throws: Status.self) { try await client.call("/a/B", ByteBuffer()) }
      await client.shutDown()
    }
  }
}
