import Wire

/// The answer to a call: a message, and what is told beside it.
public struct ServiceReply: Sendable {
  public var message: MessagePieces
  /// Names in lower case.
  public var metadata: [(name: String, value: String)]

  /// How many items it is about; 0 for calls about models.
  public var items: Int

  public init(message: MessagePieces, metadata: [(name: String, value: String)] = [], items: Int = 0) {
    self.message = message
    self.metadata = metadata
    self.items = items
  }
}

/// What a service tells of a call.
public typealias ServiceCompletion = @Sendable (Result<ServiceReply, TensorFlowStatus>) -> Void
