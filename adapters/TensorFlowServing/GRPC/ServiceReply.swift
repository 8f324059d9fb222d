import Wire

/// The answer to a call: a message, and what is told beside it.
public struct ServiceReply: Sendable {
  public var message: MessagePieces
  /// Names in lower case.
  public var metadata: [(name: String, value: String)]

  public init(message: MessagePieces, metadata: [(name: String, value: String)] = []) {
    self.message = message
    self.metadata = metadata
  }
}

/// What a service tells of a call.
public typealias ServiceCompletion = @Sendable (Result<ServiceReply, TensorFlowStatus>) -> Void
