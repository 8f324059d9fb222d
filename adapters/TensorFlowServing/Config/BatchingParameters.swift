/// `tensorflow.serving.BatchingParameters`, from `--batching_parameters_file` or a model's `batching_params.pbtxt`: what
/// the text sets; what it leaves out is `nil` and decided by the batcher.
public struct BatchingParameters: Equatable, Sendable {
  public var maxBatchSize: Int?
  public var batchTimeoutMicroseconds: Int?
  public var maxEnqueuedBatches: Int?
  public var numBatchThreads: Int?
  public var threadPoolName: String?
  /// Ascending. Batches are padded up to the next of these.
  public var allowedBatchSizes: [Int] = []
  public var padVariableLengthInputs = false
  public var enableLargeBatchSplitting = false
  /// The largest batch that runs, when larger tasks are split.
  public var maxExecutionBatchSize: Int?

  public init() {}

  static let messageName = "tensorflow.serving.BatchingParameters"

  /// Read here.
  private static let usedFields: Set<String> = [
    "max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads", "thread_pool_name",
    "allowed_batch_sizes", "pad_variable_length_inputs", "enable_large_batch_splitting", "max_execution_batch_size",
  ]
  /// TensorFlow Serving reads these too; they have no meaning here and are let through.
  private static let otherFields: Set<String> = [
    "low_priority_max_batch_size", "low_priority_batch_timeout_micros", "low_priority_max_enqueued_batches",
    "low_priority_max_execution_batch_size", "low_priority_allowed_batch_sizes", "mixed_priority_policy",
    "mixed_priority_batching_policy", "batch_padding_policy", "low_priority_batching_policy",
    "enable_priority_aware_scheduler", "full_batch_scheduling_boost_micros", "min_inflight_batches_limit",
    "initial_inflight_batches_limit", "max_inflight_batches_limit", "batches_to_average_over",
  ]

  public static func read(path: String) throws(ConfigurationError) -> Self { try parse(ConfigurationFile.read(path)) }

  /// - Parameter text: in protobuf's text format.
  public static func parse(_ text: [UInt8]) throws(ConfigurationError) -> Self {
    let message = try TypedTextMessage.parse(text, as: messageName, fields: usedFields.union(otherFields))
    var parameters = Self()
    parameters.maxBatchSize = try positive(message, "max_batch_size")
    parameters.batchTimeoutMicroseconds = try notNegative(message, "batch_timeout_micros")
    parameters.maxEnqueuedBatches = try positive(message, "max_enqueued_batches")
    parameters.numBatchThreads = try positive(message, "num_batch_threads")
    parameters.threadPoolName = try message.wrappedString("thread_pool_name")
    parameters.allowedBatchSizes = try message.integers("allowed_batch_sizes").map(Int.init)
    parameters.padVariableLengthInputs = try message.bool("pad_variable_length_inputs") ?? false
    parameters.enableLargeBatchSplitting = try message.wrappedBool("enable_large_batch_splitting") ?? false
    parameters.maxExecutionBatchSize = try positive(message, "max_execution_batch_size")
    try parameters.validate()
    return parameters
  }

  private static func positive(_ message: TypedTextMessage, _ name: String) throws(ConfigurationError) -> Int? {
    guard let value = try message.wrappedInteger(name) else { return nil }
    guard value > 0 else { throw invalid("\(name) must be positive; was \(value)") }
    return Int(value)
  }

  private static func notNegative(_ message: TypedTextMessage, _ name: String) throws(ConfigurationError) -> Int? {
    guard let value = try message.wrappedInteger(name) else { return nil }
    guard value >= 0 else { throw invalid("\(name) must be non-negative; was \(value)") }
    return Int(value)
  }

  private static func invalid(_ problem: String) -> ConfigurationError {
    .invalid(message: messageName, problem: problem)
  }

  /// The list ascends and ends with the largest batch that runs.
  private func validate() throws(ConfigurationError) {
    if let limit = maxExecutionBatchSize, enableLargeBatchSplitting, let size = maxBatchSize, limit > size {
      throw Self.invalid(
        "When enable_large_batch_splitting is true, max_execution_batch_size must be less than or equal to max_batch_size"
      )
    }
    guard let last = allowedBatchSizes.last else { return }
    guard allowedBatchSizes[0] > 0, zip(allowedBatchSizes, allowedBatchSizes.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw Self.invalid("allowed_batch_sizes entries must be monotonically increasing")
    }
    if enableLargeBatchSplitting, let limit = maxExecutionBatchSize {
      guard last == limit else {
        throw Self.invalid(
          "Last entry in allowed_batch_sizes must be equal to max_execution_batch_size when enable_large_batch_splitting is true; last was \(last), max_execution_batch_size was \(limit)"
        )
      }
    } else if let size = maxBatchSize {
      guard last == size else {
        throw Self.invalid(
          "Last entry in allowed_batch_sizes must match max_batch_size; last was \(last); expected \(size)")
      }
    }
  }
}
