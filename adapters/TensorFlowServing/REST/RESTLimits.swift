import NIOCore

/// What clients may take of the server. TensorFlow Serving has none of these but the one for compressed bodies.
public struct RESTLimits: Sendable {
  /// Of one body as it comes.
  public var bodyBytes = 1 << 30
  /// Of one body after decompression. TensorFlow Serving's figure.
  public var inflatedBodyBytes = 100 << 20
  /// Of all bodies that are held at a time; further requests are refused until there is room.
  public var heldBodyBytes = 4 << 30
  /// Further connections are closed at once.
  public var connections = 4096
  /// How long a connection may be without a whole request head, so also how long a head may take.
  public var idle: TimeAmount = .seconds(300)
  /// How long a body may stand still while it is sent, and an answer while it is read.
  public var stall: TimeAmount = .seconds(60)
  /// A body that comes slower than this, all in all, after `stall` has passed, is given up.
  public var bodyBytesPerSecond = 1024
  /// Bodies above this are read, and answers above it are written, off the event loops, which others wait for.
  public var inlineBytes = 64 << 10

  public init() {}
}
