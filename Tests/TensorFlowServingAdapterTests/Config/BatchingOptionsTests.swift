import Serving
import Testing

@testable import TensorFlowServingAdapter

@Suite("Batching options")
struct BatchingOptionsTests {
  private func options(_ text: String) throws -> BatchingOptions {
    BatchingOptions(try BatchingParameters.parse(Array(text.utf8)))
  }

  @Test("are TensorFlow-Serving's defaults where a file says nothing")
  func defaults() throws {
    let options = try options("")
    #expect(options == BatchingOptions())
    #expect(options.maxBatchSize == 1000 && options.timeout == .zero && options.maxEnqueuedBatches == 10)
  }

  @Test("are what a file says")
  func file() throws {
    let options = try options(
      """
      max_batch_size { value: 128 } batch_timeout_micros { value: 2500 } max_enqueued_batches { value: 7 }
      allowed_batch_sizes: [1, 8, 32] pad_variable_length_inputs: true enable_large_batch_splitting { value: true }
      max_execution_batch_size { value: 32 }
      """)
    #expect(options.maxBatchSize == 128 && options.maxExecutionBatchSize == 32)
    #expect(options.timeout == .microseconds(2500) && options.maxEnqueuedBatches == 7)
    #expect(options.allowedBatchSizes == [1, 8, 32] && options.padsVariableLengthInputs && options.splitsLargeBatches)
  }

  @Test("run no batch larger than the largest allowed size")
  func allowed() throws {
    #expect(try options("allowed_batch_sizes: [1, 8]").maxBatchSize == 8)
    let splitting = try options("allowed_batch_sizes: [1, 8] enable_large_batch_splitting { value: true }")
    #expect(splitting.maxBatchSize == 1000 && splitting.maxExecutionBatchSize == 8)
  }
}
