import Serving

extension BatchingOptions {
  /// What a file of parameters says, and TensorFlow-Serving's defaults for the rest. `num_batch_threads` belongs to the
  /// scheduler as a whole, see ``RequestScheduler/Options/threads``.
  public init(_ parameters: BatchingParameters) {
    self.init()
    allowedBatchSizes = parameters.allowedBatchSizes
    padsVariableLengthInputs = parameters.padVariableLengthInputs
    splitsLargeBatches = parameters.enableLargeBatchSplitting
    maxExecutionBatchSize = parameters.maxExecutionBatchSize
    // The largest allowed size is the largest batch that runs: without splitting, the largest request as well.
    if let size = parameters.maxBatchSize ?? (splitsLargeBatches ? nil : allowedBatchSizes.last) { maxBatchSize = size }
    if splitsLargeBatches, maxExecutionBatchSize == nil { maxExecutionBatchSize = allowedBatchSizes.last }
    if let microseconds = parameters.batchTimeoutMicroseconds { timeout = .microseconds(microseconds) }
    if let batches = parameters.maxEnqueuedBatches { maxEnqueuedBatches = batches }
  }
}
