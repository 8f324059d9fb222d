import NIOCore
import NIOHTTP2

/// What one peer, or all of them together, may take of a server. Every figure is a choice, made for inference: few, large
/// requests over long-lived connections of clients that are mostly our own, which must not be able to stop the server.
public struct ServerLimits: Sendable, Hashable {
  /// Bytes of one request message, also after decompression. TensorFlow Serving's is the protocol's largest.
  public var messageBytes = Int(Int32.max)

  /// Bytes of request messages that the server holds for all calls together. What would go beyond is refused with
  /// `RESOURCE_EXHAUSTED`.
  public var heldMessageBytes = 4 << 30

  /// Further connections are closed at once: a process has only so many file descriptors.
  public var connections = 4096

  /// Calls at a time on one connection; a client queues further ones itself.
  public var concurrentCallsPerConnection = 1024

  /// Bytes of the headers of one call. gRPC's C++ server has the same.
  public var headerBytes = 16 << 10

  /// Cancelled calls per second and connection. Clients cancel by deadline, so bursts are normal; a peer that resets
  /// faster only burns processor time (CVE-2023-44487), and its connection ends.
  public var cancellationsPerSecond = 10_000

  /// PING, SETTINGS and PRIORITY frames per second and connection. gRPC's clients measure round trips with PINGs.
  public var controlFramesPerSecond = 1000

  /// Frames against the protocol on one connection that end one call only; one more ends the connection.
  public var protocolErrorsPerConnection = 1000

  /// From accepting a connection to its first HTTP/2 frame, TLS handshake included.
  public var handshake = Duration.seconds(20)

  /// Without progress for so long, a request that is being received or an answer that is being sent is given up.
  public var stall = Duration.seconds(60)

  /// A connection without calls for so long is closed; nil: never, as gRPC's servers do.
  public var idle: Duration?

  /// Silence after which the client is asked (PING) whether it is still there, and how long it has to answer. This is
  /// what ends half-open connections.
  public var keepaliveAfter = Duration.seconds(120)
  public var keepaliveTimeout = Duration.seconds(20)

  public init() {}
}

extension ServerLimits {
  /// Large enough that a request of the usual size never waits for a WINDOW_UPDATE: measured, this more than halves
  /// the latency of 600 KB requests over the default of 64 KiB.
  static let streamWindow = 8 << 20
  static let connectionWindow = 16 << 20

  /// A frame is handled as a whole, so this also bounds for how long one call keeps others waiting.
  static let frameBytes = 1 << 20
}
