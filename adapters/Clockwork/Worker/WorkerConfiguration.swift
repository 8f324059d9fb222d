import Serving

/// Makes a servable of a version's files, for one of the worker's GPUs. Called on the thread that loads models.
public typealias PagedServableLoader = @Sendable (_ files: VersionFiles, _ gpu: Int) throws -> any PagedServable

/// What a worker is told at its start. Sizes are bytes.
public struct WorkerConfiguration: Sendable {
  /// IPv4 address to listen on.
  public var host = "0.0.0.0"
  /// 0 for any free one.
  public var port: UInt16 = 12345
  /// Queues that a controller sees as GPUs of their own. Several may share a device.
  public var gpus = 1
  /// Where models are, see the flags of `apparate worker`.
  public var modelRoot: String
  /// All workers of a controller must have the same.
  public var pageSize = 16 << 20
  /// For each GPU.
  public var weightsCacheSize = 1376 * (16 << 20)
  /// For people: these pools are not bounded here.
  public var ioPoolSize = 512 << 20
  /// No batch is larger, whatever a controller allows.
  public var maxBatchSize = 64
  /// Whether a batch without inputs is run on zeros, as Clockwork's own tests want it.
  public var allowsEmptyInputs = true
  /// For every extent of an input that a model leaves open; the length of texts.
  public var openExtent: Int?
  /// How long before the device is free again a batch's result may be sent at the earliest.
  ///
  /// A controller takes a GPU for free once it has all results, and expects the next batch to start within a window of
  /// 10 ms by default: the rest of a batch whose items have all left must fit into that.
  public var earlyResultLead = Duration.milliseconds(5)
  /// Before the answer to a controller's first question, for Clockwork's own controller has a race there.
  public var stateDelay = Duration.milliseconds(20)
  /// MHz, as told to controllers, which scale times by it.
  public var gpuClock: UInt32 = 1380

  public init(modelRoot: String) { self.modelRoot = modelRoot }

  var pagesPerGPU: Int { weightsCacheSize / pageSize }

  func validate() throws(ClockworkError) {
    func require(_ condition: Bool, _ text: String) throws(ClockworkError) {
      if !condition { throw .invalidConfiguration(text) }
    }
    try require((1...64).contains(gpus), "a worker has 1 to 64 GPUs, got \(gpus)")
    try require(pageSize > 0, "a page must have at least one byte, got \(pageSize)")
    try require(
      (1...Int(Int32.max)).contains(pagesPerGPU),
      "a weights cache of \(weightsCacheSize) bytes has \(pagesPerGPU) pages of \(pageSize) bytes; at least 1 is needed"
    )
    try require(maxBatchSize >= 1, "the largest batch must have at least one item, got \(maxBatchSize)")
    try require(openExtent.map { $0 > 0 } ?? true, "a sequence has at least one element, got \(openExtent ?? 0)")
    try require(gpuClock > 0, "the GPU clock must be above 0: controllers divide by it")
  }
}
