/// What a call says beside its message.
public struct CallContext: Sendable {
  /// `apparate-exact: 1`: no answer may leave the model early.
  public var isExact: Bool
  /// When the client stops to wait.
  public var deadline: ContinuousClock.Instant?
  /// Whether the client has gone. Called from any thread.
  public var isAbandoned: (@Sendable () -> Bool)?

  public init(
    isExact: Bool = false, deadline: ContinuousClock.Instant? = nil, isAbandoned: (@Sendable () -> Bool)? = nil
  ) {
    self.isExact = isExact
    self.deadline = deadline
    self.isAbandoned = isAbandoned
  }
}
