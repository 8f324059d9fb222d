import NIOCore
import NIOHPACK
import NIOPosix
import RPC

/// A TCP connection on which tests send what bytes they like.
final class RawConnection: Sendable {
  private let channel: any Channel
  private let received: Collector

  init(to endpoint: Endpoint) async throws {
    guard case .tcp(let host, let port) = endpoint else { preconditionFailure("TCP only") }
    let received = Collector()
    self.received = received
    channel = try await ClientBootstrap(group: TestServer.group)
      .channelInitializer { channel in channel.pipeline.addHandler(received) }
      .connect(host: host, port: port).get()
  }

  func send(_ bytes: [UInt8]) {
    channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
  }

  /// Sends no more, after all that was sent.
  func finish() { channel.close(mode: .output, promise: nil) }

  /// Waits until the server has closed the connection; within a test's patience.
  func closed() async throws {
    let done = Inbox<Void>()
    channel.closeFuture.whenComplete { _ in done.put(()) }
    do {
      try await done.next()
    } catch {
      channel.close(promise: nil)
      throw error
    }
  }

  /// Waits until the server has sent `bytes` somewhere.
  func receive(_ bytes: [UInt8]) async throws { try await received.wait(for: bytes) }

  /// Waits for GOAWAY with this code.
  func receiveGoAway(_ code: UInt8) async throws {
    try await received.wait { bytes in
      (0..<max(0, bytes.count - 16)).contains {
        bytes[$0 + 3] == RawFrame.Kind.goAway.rawValue && bytes[($0 + 4)...($0 + 8)].allSatisfy { $0 == 0 }
          && bytes[($0 + 13)..<($0 + 17)].elementsEqual([0, 0, 0, code])
      }
    }
  }

  func stopReading() { channel.setOption(.autoRead, value: false).whenComplete { _ in } }

  func cut() { channel.close(promise: nil) }

  private final class Collector: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    private let chunks = Inbox<[UInt8]>()
    private var all: [UInt8] = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      chunks.put(Array(unwrapInboundIn(data).readableBytesView))
    }

    /// The server may reset the connection: that is as good an end as any.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func wait(for bytes: [UInt8]) async throws {
      try await wait { all in
        guard all.count >= bytes.count else { return false }
        return (0...(all.count - bytes.count)).contains { Array(all[$0..<($0 + bytes.count)]) == bytes }
      }
    }

    func wait(until isThere: ([UInt8]) -> Bool) async throws {
      while !isThere(all) { all += try await chunks.next() }
    }
  }
}

/// Frames of HTTP/2 as bytes. RFC 9113, 4.1.
enum RawFrame {
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  enum Kind: UInt8, CaseIterable {
    case data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate, continuation
  }

  static func bytes(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    let length = UInt32(payload.count)
    return [
      UInt8(truncatingIfNeeded: length >> 16), UInt8(truncatingIfNeeded: length >> 8),
      UInt8(truncatingIfNeeded: length), kind.rawValue, flags,
    ]
      + withUnsafeBytes(of: stream.bigEndian) { Array($0) } + payload
  }

  static func headers(_ list: [(String, String)], stream: UInt32, ended: Bool = false) throws -> [UInt8] {
    var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
    var block = ByteBuffer()
    try encoder.encode(headers: HPACKHeaders(list), to: &block)
    return bytes(.headers, flags: ended ? 5 : 4, stream: stream, Array(block.readableBytesView))
  }

  /// Headers of a call as a gRPC client sends them.
  static func call(
    _ path: String, contentType: String? = "application/grpc", method: String = "POST", more: [(String, String)] = []
  ) -> [(String, String)] {
    [(":method", method), (":scheme", "http"), (":path", path), (":authority", "test"), ("te", "trailers")]
      + (contentType.map { [("content-type", $0)] } ?? []) + more
  }

  static func message(_ message: [UInt8], stream: UInt32, ended: Bool = true, compressed: UInt8 = 0) -> [UInt8] {
    let prefix = [compressed] + withUnsafeBytes(of: UInt32(message.count).bigEndian) { Array($0) }
    return bytes(.data, flags: ended ? 1 : 0, stream: stream, prefix + message)
  }
}
