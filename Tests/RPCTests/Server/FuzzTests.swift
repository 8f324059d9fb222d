import NIOCore
import RPC
import Testing

extension ServerTests {
  /// Whatever bytes come, the server neither crashes nor hangs, nor does it hold on to anything: ``TestServer`` drains it
  /// and looks for bytes that are still counted.
  @Suite struct FuzzTests {
    private static func validExchange() throws -> [UInt8] {
      var bytes = RawFrame.preface + RawFrame.bytes(.settings)
      bytes += RawFrame.bytes(.settings, flags: 1)
      bytes += try RawFrame.headers(RawFrame.call("/test.Echo/Echo", more: [("grpc-timeout", "1S")]), stream: 1)
      bytes += RawFrame.message(Array("hello".utf8), stream: 1)
      bytes += try RawFrame.headers(RawFrame.call("/test.Echo/Echo", more: [("grpc-encoding", "gzip")]), stream: 3)
      bytes += RawFrame.message(Array("not gzip".utf8), stream: 3, compressed: 1)
      bytes += RawFrame.bytes(.ping, Array(repeating: 1, count: 8))
      bytes += try RawFrame.headers(RawFrame.call("/grpc.health.v1.Health/Watch"), stream: 5)
      bytes += RawFrame.message([], stream: 5, ended: false)
      bytes += RawFrame.bytes(.windowUpdate, stream: 5, [0, 0, 1, 0])
      bytes += RawFrame.bytes(.reset, stream: 5, [0, 0, 0, 8])
      bytes += try RawFrame.headers(RawFrame.call("/test.Echo/Hold"), stream: 7)
      bytes += RawFrame.message(Array("x".utf8), stream: 7)
      return bytes
    }

    private func run(_ cases: Int, _ bytes: (Int) throws -> [UInt8]) async throws {
      let health = HealthService()
      health.set("", .serving)
      try await TestServer.run(router: { health.add(to: &$0) }) { test in
        for index in 0..<cases {
          let connection = try await RawConnection(to: test.server.endpoints[0])
          connection.send(try bytes(index))
          connection.finish()
          do {
            try await connection.closed()
          } catch {
            Issue.record("case \(index): the server did not close the connection")
          }
          if index.isMultiple(of: 50) { await test.expect("Echo", "alive") }
        }
        await test.expect("Echo", "alive")
      }
    }

    @Test func `random bytes`() async throws {
      var random = SeededRandom(1)
      try await run(300) { _ in (0..<Int.random(in: 0...300, using: &random)).map { _ in random.byte() } }
    }

    @Test func `random bytes after a preface`() async throws {
      var random = SeededRandom(2)
      try await run(300) { _ in
        RawFrame.preface + RawFrame.bytes(.settings)
          + (0..<Int.random(in: 0...300, using: &random)).map { _ in random.byte() }
      }
    }

    @Test func `an exchange that is cut off anywhere`() async throws {
      let exchange = try Self.validExchange()
      try await run(exchange.count) { Array(exchange.prefix($0)) }
    }

    @Test func `an exchange with some bytes changed`() async throws {
      var random = SeededRandom(3)
      let exchange = try Self.validExchange()
      try await run(700) { _ in
        var bytes = exchange
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          bytes[Int.random(in: 24..<bytes.count, using: &random)] = random.byte()
        }
        return bytes
      }
    }

    @Test func `frames of any kind in any order`() async throws {
      var random = SeededRandom(4)
      let headers = try (0..<4).map { index in
        try RawFrame.headers(RawFrame.call("/test.Echo/Echo"), stream: UInt32(2 * index + 1), ended: index == 3)
      }
      try await run(700) { _ in
        var bytes = RawFrame.preface + RawFrame.bytes(.settings)
        for _ in 0..<Int.random(in: 1...12, using: &random) {
          if Int.random(in: 0..<3, using: &random) == 0 {
            bytes += headers.randomElement(using: &random) ?? []
          } else {
            let kind = RawFrame.Kind.allCases.randomElement(using: &random) ?? .data
            let payload = (0..<([0, 4, 5, 6, 8, 17].randomElement(using: &random) ?? 0)).map { _ in random.byte() & 0x8F
            }
            bytes += RawFrame.bytes(
              kind, flags: random.byte() & 0x2D, stream: UInt32.random(in: 0...8, using: &random), payload)
          }
        }
        return bytes
      }
    }
  }
}

/// SplitMix64: the same numbers on every run.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next() >> 32) }
}
