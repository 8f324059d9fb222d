import EarlyExit
import ModelGraph

/// What one caller wants from a servable: inputs, all of whose first axes are the same items.
public struct InferenceRequest: Sendable {
  public var inputs: [String: Tensor]
  /// The outputs that are wanted; nil: all.
  public var outputs: Set<String>?
  /// Whether the answers must be the model's own.
  public var isExact: Bool
  /// A request whose time is over before its batch begins does not run.
  public var deadline: ContinuousClock.Instant?
  /// Whether the caller has gone. Asked before the request's batch begins, from any thread.
  public var isAbandoned: (@Sendable () -> Bool)?

  public init(
    inputs: [String: Tensor], outputs: Set<String>? = nil, isExact: Bool = false,
    deadline: ContinuousClock.Instant? = nil, isAbandoned: (@Sendable () -> Bool)? = nil
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.isExact = isExact
    self.deadline = deadline
    self.isAbandoned = isAbandoned
  }

  /// How many items there are.
  ///
  /// - Throws: ``ServingError/noBatchAxis(input:)``, ``ServingError/unequalBatchSizes``.
  func itemCount() throws(ServingError) -> Int {
    var count: Int?
    for (name, tensor) in inputs.sorted(by: { $0.key < $1.key }) {
      guard let first = tensor.shape.first else { throw .noBatchAxis(input: name) }
      guard count == nil || count == first else { throw .unequalBatchSizes }
      count = first
    }
    return count ?? 0
  }
}

/// What it gets.
public struct InferenceAnswer: Sendable {
  /// By name, a row for each item.
  public let outputs: [String: Tensor]
  /// For each item where its answer came from.
  public let exits: [ExitPosition]

  public init(outputs: [String: Tensor], exits: [ExitPosition]) {
    self.outputs = outputs
    self.exits = exits
  }
}
