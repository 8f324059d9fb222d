/// What became of an action, for logs and measurements. Times are on the controller's clock.
public struct ActionRecord: Sendable {
  public enum Kind: String, Sendable {
    case infer = "INFER"
    case loadWeights = "LOAD_WEIGHTS"
    case evictWeights = "EVICT_WEIGHTS"
  }

  public let kind: Kind
  public let worker: Int
  public let gpu: UInt32
  public let model: UInt32
  /// 0 for other kinds than ``Kind/infer``.
  public let batchSize: Int
  public let sent: Nanoseconds
  /// When its result came.
  public let answered: Nanoseconds
  /// What the controller reckoned with.
  public let expectedDuration: Nanoseconds
  /// What the worker measured; `nil` when it was not done.
  public let duration: Nanoseconds?
  /// When it ended on the device, or is going to.
  public let end: Nanoseconds?
  /// 0, or why it was not done.
  public let status: Int32
}

/// What became of a client's request.
public struct RequestRecord: Sendable {
  public let model: UInt32
  public let arrived: Nanoseconds
  public let answered: Nanoseconds
  public let slo: Nanoseconds
  /// 0, or why there is no answer.
  public let status: Int32

  public var isInTime: Bool { status == 0 && answered - arrived <= slo }
}
