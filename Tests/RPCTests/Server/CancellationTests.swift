import NIOCore
import RPC
import Testing

extension ServerTests {
  @Suite struct CancellationTests {
    @Test func `the server ends a call at its deadline`() async throws {
      try await TestServer.run { test in
        let call = Task {
          // The server's deadline only: the client's own would come at the same time.
          try await test.client.call("/test.Echo/Hold", ByteBuffer(), metadata: ["grpc-timeout": "20m"])
        }
        #expect(try await test.cancellations.next() == .deadlineExceeded)
        let held = try await test.held.next()
        #expect(held.cancellation == .deadlineExceeded)
        #expect(held.deadline != nil)
        held.respond(ByteBuffer())
        await #expect(throws: Status(.deadlineExceeded, "Deadline Exceeded")) { try await call.value }
        await test.expect("Echo", "hello")
      }
    }

    @Test func `a call that its client gives up is cancelled`() async throws {
      try await TestServer.run { test in
        let ended = Inbox<Status?>()
        let call = test.client.call("/test.Echo/Hold", ByteBuffer(string: "x"), timeout: TestServer.patience) {
          if case .failure(let status) = $0 { ended.put(status) } else { ended.put(nil) }
        }
        let held = try await test.held.next()
        #expect(held.isOpen)
        call.cancel()
        #expect(try await ended.next()?.code == .cancelled)
        #expect(try await test.cancellations.next() == .byClient)
        #expect(!held.isOpen)
        held.respond(ByteBuffer())
        await test.expect("Echo", "hello")
      }
    }

    @Test func `a task that is cancelled cancels its call`() async throws {
      try await TestServer.run { test in
        let task = Task { try await test.call("Hold") }
        let held = try await test.held.next()
        task.cancel()
        #expect(try await test.cancellations.next() == .byClient)
        await #expect(throws: Status(.cancelled, "cancelled by the caller")) { try await task.value }
        _ = held
      }
    }

    @Test func `a lost connection cancels its calls`() async throws {
      try await TestServer.run { test in
        let other = Client(test.server.endpoints[0], group: TestServer.group)
        let ended = Inbox<Status?>()
        other.call("/test.Echo/Hold", ByteBuffer(), timeout: TestServer.patience) {
          if case .failure(let status) = $0 { ended.put(status) } else { ended.put(nil) }
        }
        let held = try await test.held.next()
        await other.shutDown()
        #expect(try await test.cancellations.next() == .byClient)
        #expect(held.cancellation == .byClient)
        #expect(try await ended.next()?.code == .unavailable)
      }
    }

    /// NIOHTTP2 by itself ends a connection after 200 resets in 30 seconds, and with it the calls of others.
    @Test func `ten thousand cancelled calls disturb no other`() async throws {
      try await TestServer.run { test in
        let ended = Inbox<Bool>()
        let total = 10_000
        for index in 0..<total {
          let call = test.client.call("/test.Echo/Hold", ByteBuffer(string: "x")) {
            if case .failure(let status) = $0 { ended.put(status.code == .cancelled) } else { ended.put(false) }
          }
          call.cancel()
          if index.isMultiple(of: 500) { await test.expect("Echo", "\(index)") }
        }
        var cancelled = 0
        for _ in 0..<total where try await ended.next() { cancelled += 1 }
        #expect(cancelled == total)
        await test.expect("Echo", "hello")
        #expect(test.server.connectionCount == 1)
      }
    }
  }
}
