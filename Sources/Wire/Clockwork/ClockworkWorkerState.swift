/// What a worker has and holds. Sizes are bytes.
public struct ClockworkWorkerState: Sendable, Equatable {
  public var pageSize: UInt64
  /// `UInt64.max` when there is no bound.
  public var hostWeightsCacheSize: UInt64
  public var hostIOPoolSize: UInt64
  public var gpus: [GPU]
  public var models: [Model]

  public init(
    pageSize: UInt64, hostWeightsCacheSize: UInt64, hostIOPoolSize: UInt64, gpus: [GPU], models: [Model]
  ) {
    self.pageSize = pageSize
    self.hostWeightsCacheSize = hostWeightsCacheSize
    self.hostIOPoolSize = hostIOPoolSize
    self.gpus = gpus
    self.models = models
  }

  public struct GPU: Sendable, Equatable {
    public var id: Int32
    public var weightsCacheSize: UInt64
    public var weightsCachePages: Int32
    /// Ids whose weights are here, ascending.
    public var models: [UInt32]
    public var ioPoolSize: UInt64
    public var workspacePoolSize: UInt64

    public init(
      id: Int32, weightsCacheSize: UInt64, weightsCachePages: Int32, models: [UInt32], ioPoolSize: UInt64,
      workspacePoolSize: UInt64
    ) {
      self.id = id
      self.weightsCacheSize = weightsCacheSize
      self.weightsCachePages = weightsCachePages
      self.models = models
      self.ioPoolSize = ioPoolSize
      self.workspacePoolSize = workspacePoolSize
    }
  }

  public struct Model: Sendable, Equatable {
    public var id: Int32
    /// The path that it was loaded from, as the controller wrote it.
    public var source: String
    public var inputSize: UInt64
    public var outputSize: UInt64
    public var batchSizes: [UInt32]
    public var weightsSize: UInt64
    public var weightsPages: UInt32
    public var weightsLoadTime: UInt64
    public var execTimes: [UInt64]

    public init(
      id: Int32, source: String, inputSize: UInt64, outputSize: UInt64, batchSizes: [UInt32], weightsSize: UInt64,
      weightsPages: UInt32, weightsLoadTime: UInt64, execTimes: [UInt64]
    ) {
      self.id = id
      self.source = source
      self.inputSize = inputSize
      self.outputSize = outputSize
      self.batchSizes = batchSizes
      self.weightsSize = weightsSize
      self.weightsPages = weightsPages
      self.weightsLoadTime = weightsLoadTime
      self.execTimes = execTimes
    }
  }
}
