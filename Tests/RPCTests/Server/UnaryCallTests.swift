import NIOCore
import RPC
import Testing

extension ServerTests {
  @Suite struct UnaryCallTests {
    @Test func `a call is answered with message, headers and trailers`() async throws {
      try await TestServer.run { test in
        let response = try await test.client.call(
          "/test.Echo/Echo", ByteBuffer(string: "hello"), metadata: ["X-Ask": "a, b"], timeout: TestServer.patience)
        #expect(String(buffer: response.message) == "hello")
        #expect(response.metadata["apparate-exit"] == "2")
        #expect(response.trailers["x-told"] == "a, b")
      }
    }

    @Test(arguments: [0, 1, 16_379, 16_384, 602_188, 20_000_000])
    func `messages of any size come back whole`(size: Int) async throws {
      try await TestServer.run { test in
        let message = ByteBuffer.pattern(size)
        let response = try await test.client.call("/test.Echo/Echo", message, timeout: TestServer.patience)
        #expect(response.message == message)
      }
    }

    @Test func `pieces of an answer make one message`() async throws {
      try await TestServer.run { test in
        let response = try await test.client.call("/test.Echo/Pieces", ByteBuffer(), timeout: TestServer.patience)
        #expect(response.message.readableBytes == 100_005)
        #expect(Array(response.message.readableBytesView.prefix(4)) == [1, 2, 3, 7])
        #expect(Array(response.message.readableBytesView.suffix(3)) == [7, 4, 5])
      }
    }

    @Test func `many calls at a time share a connection`() async throws {
      try await TestServer.run { test in
        try await withThrowingTaskGroup(of: Bool.self) { group in
          for index in 0..<600 {
            group.addTask {
              let method = index.isMultiple(of: 3) ? "OtherThread" : "Echo"
              return try await test.call(method, "message \(index)") == "message \(index)"
            }
          }
          for try await isRight in group { #expect(isRight) }
        }
        #expect(test.server.connectionCount == 1)
      }
    }

    @Test func `the first answer counts`() async throws {
      try await TestServer.run { test in
        await test.expect("Twice", "", answer: "first")
      }
    }

    @Test func `a failure tells code and text`() async throws {
      try await TestServer.run { test in
        await #expect(throws: Status(.failedPrecondition, "Grüße: 100 %\nline 2")) { try await test.call("Fail") }
      }
    }

    @Test func `a call that is let go without an answer fails`() async throws {
      try await TestServer.run { test in
        await #expect(throws: Status(.internalError, "the server gave no answer")) { try await test.call("Forget") }
      }
    }

    @Test func `unknown methods are unimplemented`() async throws {
      try await TestServer.run { test in
        await #expect(throws: Status(.unimplemented, "unknown method /test.Echo/Nothing")) {
          try await test.call("Nothing")
        }
      }
    }

    @Test func `messages over the limit are refused, and the connection stays good`() async throws {
      var limits = ServerLimits()
      limits.messageBytes = 1000
      try await TestServer.run(limits: limits) { test in
        let message = String(repeating: "x", count: 5_000_000)
        for _ in 0..<3 {
          await #expect(throws: Status(.resourceExhausted, "Received message larger than max (5000000 vs. 1000)")) {
            try await test.call("Echo", message)
          }
        }
        await test.expect("Echo", "small")
        #expect(test.server.connectionCount == 1)
      }
    }

    @Test func `requests beyond what the server may hold are refused`() async throws {
      var limits = ServerLimits()
      limits.heldMessageBytes = 1_000_000
      try await TestServer.run(limits: limits) { test in
        let large = String(repeating: "x", count: 600_000)
        async let first = test.call("Hold", large)
        let held = try await test.held.next()
        await #expect(
          throws: Status(.resourceExhausted, "the server holds as many bytes of requests as it may (1000000)")
        ) {
          try await test.call("Echo", large)
        }
        await test.expect("Echo", "small")
        held.respond(ByteBuffer(string: "done"))
        #expect(try await first == "done")
      }
    }

    @Test func `unix sockets are served`() async throws {
      let path = "/tmp/rpc-tests-\(UInt64.random(in: 0 ... .max)).sock"
      try await TestServer.run(on: .unix(path: path)) { test in
        await test.expect("Echo", "hello")
      }
    }

    @Test func `an address in use is told`() async throws {
      try await TestServer.run { test in
        let endpoint = test.server.endpoints[0]
        await #expect(throws: RPCError.self) {
          try await Server.start(on: [endpoint], router: Router(), group: TestServer.group)
        }
      }
    }

    @Test func `connections beyond the limit are closed`() async throws {
      var limits = ServerLimits()
      limits.connections = 1
      try await TestServer.run(limits: limits) { test in
        await test.expect("Echo", "hello")
        let second = Client(test.server.endpoints[0], group: TestServer.group)
        #expect(await second.outcome("/test.Echo/Echo").code == .unavailable)
        await second.shutDown()
        await test.expect("Echo", "hello")
      }
    }
  }
}
