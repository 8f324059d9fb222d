/// How requests are put together into batches: TensorFlow-Serving's `BatchingParameters`, with its defaults.
public struct BatchingOptions: Hashable, Sendable {
  /// The largest request that is taken, and without splitting the largest batch.
  public var maxBatchSize = 1000
  /// How long a batch that is not full waits for more, from its first request on.
  public var timeout = Duration.zero
  /// How many batches of one queue may wait, the one that is being filled included.
  public var maxEnqueuedBatches = 10
  /// Ascending; a batch is filled up to the next of these with copies of a row. Empty: any size runs.
  public var allowedBatchSizes: [Int] = []
  /// Whether inputs of different extents may share a batch, filled up at their ends with their own first element.
  /// Otherwise they do not share one.
  public var padsVariableLengthInputs = false
  /// Whether a request may be spread over several batches.
  public var splitsLargeBatches = false
  /// The largest batch that runs when requests are split; nil: `maxBatchSize`.
  public var maxExecutionBatchSize: Int?

  public init() {}

  /// The largest batch that runs.
  var batchLimit: Int { splitsLargeBatches ? min(maxBatchSize, maxExecutionBatchSize ?? maxBatchSize) : maxBatchSize }

  /// The size at which a batch of `count` items runs.
  func paddedSize(_ count: Int) -> Int { allowedBatchSizes.first { $0 >= count } ?? count }
}
