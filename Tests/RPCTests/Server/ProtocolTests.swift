import NIOCore
import RPC
import Testing

extension ServerTests {
  /// What the server answers to calls that no good client makes. Answers are looked for as bytes: short header values are
  /// sent by HPACK as plain text or Huffman coded, so the frames' own bytes are compared with what an encoder makes.
  @Suite struct ProtocolTests {
    private func exchange(_ frames: [UInt8], expecting headers: [(String, String)]) async throws {
      try await TestServer.run { test in
        let connection = try await RawConnection(to: test.server.endpoints[0])
        connection.send(RawFrame.preface + RawFrame.bytes(.settings) + RawFrame.bytes(.settings, flags: 1) + frames)
        try await connection.receive(try RawFrame.headers(headers, stream: 1, ended: true))
        connection.finish()
        try await connection.closed()
      }
    }

    private func failure(_ code: Status.Code, _ message: String, more: [(String, String)] = []) -> [(String, String)] {
      [
        (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "\(code.rawValue)"),
        ("grpc-message", message),
      ] + more
    }

    @Test(arguments: [nil, "text/plain", "application/grpc-web", "application/json"])
    func `another content type is refused by HTTP status`(type: String?) async throws {
      try await exchange(
        try RawFrame.headers(RawFrame.call("/test.Echo/Echo", contentType: type), stream: 1, ended: true),
        expecting: [
          (":status", "415"), ("content-type", "application/grpc"), ("grpc-status", "2"),
          ("grpc-message", "expected content-type application/grpc"),
        ])
    }

    @Test func `another HTTP method is refused by HTTP status`() async throws {
      try await exchange(
        try RawFrame.headers(RawFrame.call("/test.Echo/Echo", method: "GET"), stream: 1, ended: true),
        expecting: [
          (":status", "405"), ("content-type", "application/grpc"), ("grpc-status", "2"),
          ("grpc-message", "expected POST"),
        ])
    }

    @Test func `a call without a message is refused`() async throws {
      try await exchange(
        try RawFrame.headers(RawFrame.call("/test.Echo/Echo"), stream: 1, ended: true),
        expecting: failure(.internalError, "expected one request message, got none"))
    }

    @Test func `a call with two messages is refused`() async throws {
      try await exchange(
        try RawFrame.headers(RawFrame.call("/test.Echo/Echo"), stream: 1)
          + RawFrame.message([1], stream: 1, ended: false)
          + RawFrame.message([2], stream: 1),
        expecting: failure(.internalError, "expected one request message, got more"))
    }

    @Test func `a cut message is refused`() async throws {
      try await exchange(
        try RawFrame.headers(RawFrame.call("/test.Echo/Echo"), stream: 1)
          + RawFrame.bytes(.data, flags: 1, stream: 1, [0, 0, 0, 0, 9, 1]),
        expecting: failure(.internalError, "the request message is cut off"))
    }

    @Test func `an unknown message encoding is unimplemented`() async throws {
      try await exchange(
        try RawFrame.headers(RawFrame.call("/test.Echo/Echo", more: [("grpc-encoding", "br")]), stream: 1)
          + RawFrame.message([1], stream: 1, compressed: 1),
        expecting: failure(
          .unimplemented, "message encoding br is not supported",
          more: [("grpc-accept-encoding", "identity,deflate,gzip")]))
    }

    @Test func `a compressed message without an encoding is refused`() async throws {
      try await exchange(
        try RawFrame.headers(RawFrame.call("/test.Echo/Echo"), stream: 1)
          + RawFrame.message([1], stream: 1, compressed: 1),
        expecting: failure(
          .internalError, "a message is flagged as compressed, and no grpc-encoding was given"))
    }

    @Test func `a malformed timeout is refused`() async throws {
      try await exchange(
        try RawFrame.headers(RawFrame.call("/test.Echo/Echo", more: [("grpc-timeout", "soon")]), stream: 1)
          + RawFrame.message([1], stream: 1),
        expecting: failure(.internalError, "malformed grpc-timeout: soon"))
    }

    @Test func `a connection without a first frame is closed`() async throws {
      var limits = ServerLimits()
      limits.handshake = .milliseconds(50)
      try await TestServer.run(limits: limits) { test in
        let connection = try await RawConnection(to: test.server.endpoints[0])
        try await connection.closed()
      }
    }

    @Test func `a silent connection is asked and closed`() async throws {
      var limits = ServerLimits()
      limits.keepaliveAfter = .milliseconds(30)
      limits.keepaliveTimeout = .milliseconds(30)
      try await TestServer.run(limits: limits) { test in
        let connection = try await RawConnection(to: test.server.endpoints[0])
        // It acknowledges nothing.
        connection.send(RawFrame.preface + RawFrame.bytes(.settings))
        try await connection.closed()
        // The client answers PINGs by itself.
        await test.expect("Echo", "hello")
      }
    }

    @Test func `a request that stops coming is given up`() async throws {
      var limits = ServerLimits()
      limits.stall = .milliseconds(50)
      try await TestServer.run(limits: limits) { test in
        let connection = try await RawConnection(to: test.server.endpoints[0])
        connection.send(
          try RawFrame.preface + RawFrame.bytes(.settings) + RawFrame.bytes(.settings, flags: 1)
            + RawFrame.headers(RawFrame.call("/test.Echo/Echo"), stream: 1)
            + RawFrame.bytes(.data, stream: 1, [0, 0, 0, 0, 9, 1]))
        try await connection.receive(
          try RawFrame.headers(
            failure(.deadlineExceeded, "no byte of the request came for 0.05 seconds"), stream: 1, ended: true))
        // RST_STREAM with NO_ERROR.
        try await connection.receive(RawFrame.bytes(.reset, stream: 1, [0, 0, 0, 0]))
        connection.finish()
        try await connection.closed()
      }
    }

    @Test func `an idle connection is closed`() async throws {
      var limits = ServerLimits()
      limits.idle = .milliseconds(30)
      try await TestServer.run(limits: limits) { test in
        let connection = try await RawConnection(to: test.server.endpoints[0])
        connection.send(
          try RawFrame.preface + RawFrame.bytes(.settings) + RawFrame.bytes(.settings, flags: 1)
            + RawFrame.headers(RawFrame.call("/test.Echo/Echo"), stream: 1) + RawFrame.message([1], stream: 1))
        try await connection.closed()
      }
    }
  }
}
