/// How a client's connections behave.
public struct ClientOptions: Sendable, Hashable {
  /// For connecting, TLS handshake included.
  public var connectTimeout = Duration.seconds(10)

  /// Pauses between attempts to connect grow from the first to the last by this factor, as gRPC's clients do.
  public var firstPause = Duration.milliseconds(200)
  public var longestPause = Duration.seconds(20)
  public var pauseGrowth = 1.6

  /// Calls that may wait for a connection, or for the server to allow one more at a time; a further one fails with
  /// `RESOURCE_EXHAUSTED`.
  public var waitingCalls = 20_000

  /// Silence after which the server is asked (PING) whether it is still there while calls wait, and its time to answer.
  public var keepaliveAfter = Duration.seconds(30)
  public var keepaliveTimeout = Duration.seconds(20)

  /// Bytes of one answer.
  public var messageBytes = Int(Int32.max)

  public init() {}
}
