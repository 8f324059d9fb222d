import NIOCore
import RPC
import Testing

extension ServerTests {
  /// HTTP/2 below the calls, byte by byte. RFC 9113.
  @Suite struct ConnectionTests {
    private static let start = RawFrame.preface + RawFrame.bytes(.settings) + RawFrame.bytes(.settings, flags: 1)

    /// What ends a connection, and the code that GOAWAY gives for it.
    private static func errors() throws -> [(what: String, code: UInt8, bytes: [UInt8])] {
      let call = try RawFrame.headers(RawFrame.call("/test.Echo/Hold"), stream: 1)
      return [
        ("no preface", 1, Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)),
        ("no SETTINGS first", 1, RawFrame.preface + RawFrame.bytes(.ping, Array(repeating: 0, count: 8))),
        ("SETTINGS of a wrong length", 6, RawFrame.preface + RawFrame.bytes(.settings, [0])),
        ("SETTINGS on a stream", 1, RawFrame.preface + RawFrame.bytes(.settings, stream: 1)),
        ("a frame size out of range", 1, RawFrame.preface + RawFrame.bytes(.settings, [0, 5, 0, 0, 0, 1])),
        ("a window out of range", 3, RawFrame.preface + RawFrame.bytes(.settings, [0, 4, 0x80, 0, 0, 0])),
        ("DATA for a stream that is not open", 1, start + RawFrame.message([1], stream: 1)),
        ("DATA for the connection", 1, start + RawFrame.message([1], stream: 0)),
        ("HEADERS on a stream of the server's", 1, start + (try RawFrame.headers(RawFrame.call("/a/B"), stream: 2))),
        ("headers that are no HPACK", 9, start + RawFrame.bytes(.headers, flags: 4, stream: 1, [0xFF, 0xFF, 0xFF])),
        ("another frame within headers", 1, start + RawFrame.bytes(.headers, stream: 1, [0x82]) + call),
        ("CONTINUATION without headers", 1, start + RawFrame.bytes(.continuation, flags: 4, stream: 1, [0x82])),
        (
          "headers without end", 11,
          start + RawFrame.bytes(.headers, stream: 1, [0x82])
            + (0..<9).flatMap { _ in RawFrame.bytes(.continuation, stream: 1, [0x82]) }
        ),
        (
          "more headers than allowed", 11,
          start
            + (try RawFrame.headers(
              RawFrame.call("/a/B", more: [("x", String(repeating: "~", count: 20_000))]), stream: 1))
        ),
        ("RST_STREAM for a stream that never was", 1, start + RawFrame.bytes(.reset, stream: 1, [0, 0, 0, 8])),
        ("a window opened by nothing", 1, start + RawFrame.bytes(.windowUpdate, [0, 0, 0, 0])),
        ("a window opened too far", 3, start + RawFrame.bytes(.windowUpdate, [0x7F, 0xFF, 0xFF, 0xFF])),
        ("PING of a wrong length", 6, start + RawFrame.bytes(.ping, [1])),
        ("PUSH_PROMISE", 1, start + RawFrame.bytes(.pushPromise, stream: 1, [0, 0, 0, 2])),
        (
          "PING without pause", 11,
          start + (0..<2100).flatMap { _ in RawFrame.bytes(.ping, Array(repeating: 7, count: 8)) }
        ),
      ]
    }

    @Test func `what is no HTTP2 ends the connection with a reason`() async throws {
      try await TestServer.run { test in
        for (what, code, bytes) in try Self.errors() {
          let connection = try await RawConnection(to: test.server.endpoints[0])
          connection.send(bytes)
          do {
            try await connection.receiveGoAway(code)
            try await connection.closed()
          } catch {
            Issue.record("\(what): no GOAWAY with code \(code)")
          }
        }
        await test.expect("Echo", "alive")
      }
    }

    @Test func `an answer waits for the client's windows`() async throws {
      try await TestServer.run { test in
        let connection = try await RawConnection(to: test.server.endpoints[0])
        // Five bytes at a time for each stream: the prefix of the answer, and not more.
        connection.send(
          try RawFrame.preface + RawFrame.bytes(.settings, [0, 4, 0, 0, 0, 5]) + RawFrame.bytes(.settings, flags: 1)
            + RawFrame.headers(RawFrame.call("/test.Echo/Echo"), stream: 1)
            + RawFrame.message(Array("hello".utf8), stream: 1))
        try await connection.receive(RawFrame.bytes(.data, stream: 1, [0, 0, 0, 0, 5]))
        connection.send(RawFrame.bytes(.windowUpdate, stream: 1, [0, 0, 0, 2]))
        try await connection.receive(RawFrame.bytes(.data, stream: 1, Array("he".utf8)))
        // The window of streams that are open grows with the setting.
        connection.send(RawFrame.bytes(.settings, [0, 4, 0, 0, 0, 8]))
        try await connection.receive(RawFrame.bytes(.data, stream: 1, Array("llo".utf8)))
        connection.finish()
        try await connection.closed()
      }
    }

    @Test func `calls beyond the limit are refused, and the others go on`() async throws {
      var limits = ServerLimits()
      limits.concurrentCallsPerConnection = 2
      try await TestServer.run(limits: limits) { test in
        let connection = try await RawConnection(to: test.server.endpoints[0])
        var bytes = Self.start
        for stream: UInt32 in [1, 3, 5] {
          bytes += try RawFrame.headers(RawFrame.call("/test.Echo/Hold"), stream: stream)
          bytes += RawFrame.message([], stream: stream)
        }
        connection.send(bytes)
        let held = try await test.held.next()
        // REFUSED_STREAM.
        try await connection.receive(RawFrame.bytes(.reset, stream: 5, [0, 0, 0, 7]))
        held.respond(ByteBuffer(string: "first"))
        try await connection.receive(RawFrame.bytes(.data, stream: 1, [0, 0, 0, 0, 5] + Array("first".utf8)))
        connection.finish()
        try await connection.closed()
      }
    }

    @Test func `malformed headers end one call only`() async throws {
      try await TestServer.run { test in
        let connection = try await RawConnection(to: test.server.endpoints[0])
        let malformed = RawFrame.call("/test.Echo/Echo", more: [("connection", "close")])
        connection.send(
          try Self.start + RawFrame.headers(malformed, stream: 1)
            + RawFrame.headers(RawFrame.call("/test.Echo/Echo"), stream: 3) + RawFrame.message([9], stream: 3))
        try await connection.receive(RawFrame.bytes(.reset, stream: 1, [0, 0, 0, 1]))
        try await connection.receive(RawFrame.bytes(.data, stream: 3, [0, 0, 0, 0, 1, 9]))
        connection.finish()
        try await connection.closed()
      }
    }

    /// It makes calls and takes no answer: neither memory nor the calls of others may suffer.
    @Test func `a client that reads nothing holds no more than its calls`() async throws {
      var limits = ServerLimits()
      limits.stall = .milliseconds(200)
      limits.concurrentCallsPerConnection = 4
      try await TestServer.run(limits: limits) { test in
        let connection = try await RawConnection(to: test.server.endpoints[0])
        connection.stopReading()
        let message = [UInt8](repeating: 1, count: 4 << 20)
        var bytes = RawFrame.preface + RawFrame.bytes(.settings, [0, 4, 0x7F, 0xFF, 0xFF, 0xFF])
        bytes += RawFrame.bytes(.windowUpdate, [0x7F, 0, 0, 0])
        for stream in 0..<UInt32(8) {
          bytes += try RawFrame.headers(RawFrame.call("/test.Echo/Echo"), stream: 2 * stream + 1)
          bytes += RawFrame.bytes(.data, stream: 2 * stream + 1, [0, 0, 0x40, 0, 0])
          for part in 0..<4 {
            bytes += RawFrame.bytes(
              .data, flags: part == 3 ? 1 : 0, stream: 2 * stream + 1, Array(message[..<(1 << 20)]))
          }
        }
        connection.send(bytes)
        for index in 0..<20 { await test.expect("Echo", "call \(index)") }
        connection.cut()
        try await connection.closed()
      }
    }
  }
}
