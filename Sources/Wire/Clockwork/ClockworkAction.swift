/// What a controller asks of a worker. Times are nanoseconds; `earliest` and `latest` on the controller's clock.
public enum ClockworkAction: Sendable, Equatable {
  case loadModelFromDisk(LoadModelFromDisk)
  case loadWeights(LoadWeights)
  case infer(Infer)
  case evictWeights(EvictWeights)
  case clearCache(ClearCache)
  case getWorkerState(GetWorkerState)

  public var actionID: Int32 {
    switch self {
    case .loadModelFromDisk(let action): action.actionID
    case .loadWeights(let action): action.actionID
    case .infer(let action): action.actionID
    case .evictWeights(let action): action.actionID
    case .clearCache(let action): action.actionID
    case .getWorkerState(let action): action.actionID
    }
  }

  /// The kind as results and logs number it, which is not the frame type.
  public var kind: Kind {
    switch self {
    case .loadModelFromDisk: .loadModelFromDisk
    case .loadWeights: .loadWeights
    case .infer: .infer
    case .evictWeights: .evictWeights
    case .clearCache: .clearCache
    case .getWorkerState: .getWorkerState
    }
  }

  /// `action_type` of an error result.
  public enum Kind: Int32, Sendable {
    case loadModelFromDisk = 0
    case loadWeights = 1
    case infer = 2
    case evictWeights = 3
    case clearCache = 4
    case getWorkerState = 5
  }

  /// Loads a model into host memory and prepares it on every GPU, under ids `modelID ..< modelID + copies`.
  public struct LoadModelFromDisk: Sendable, Equatable {
    public var actionID: Int32
    public var modelID: Int32
    public var path: String
    public var earliest: UInt64
    public var latest: UInt64
    public var copies: Int32
    public var maxBatchSize: UInt32
    public var maxExecDuration: UInt64

    public init(
      actionID: Int32, modelID: Int32, path: String, earliest: UInt64 = 0, latest: UInt64 = .max, copies: Int32 = 1,
      maxBatchSize: UInt32 = 16, maxExecDuration: UInt64 = .max
    ) {
      self.actionID = actionID
      self.modelID = modelID
      self.path = path
      self.earliest = earliest
      self.latest = latest
      self.copies = copies
      self.maxBatchSize = maxBatchSize
      self.maxExecDuration = maxExecDuration
    }
  }

  /// Copies a model's weights to a GPU.
  public struct LoadWeights: Sendable, Equatable {
    public var actionID: Int32
    public var modelID: Int32
    public var gpuID: UInt32
    public var earliest: UInt64
    public var latest: UInt64
    public var expectedDuration: UInt64

    public init(
      actionID: Int32, modelID: Int32, gpuID: UInt32, earliest: UInt64 = 0, latest: UInt64 = .max,
      expectedDuration: UInt64 = 0
    ) {
      self.actionID = actionID
      self.modelID = modelID
      self.gpuID = gpuID
      self.earliest = earliest
      self.latest = latest
      self.expectedDuration = expectedDuration
    }
  }

  /// Frees a model's weights on a GPU.
  public struct EvictWeights: Sendable, Equatable {
    public var actionID: Int32
    public var modelID: Int32
    public var gpuID: UInt32
    public var earliest: UInt64
    public var latest: UInt64

    public init(actionID: Int32, modelID: Int32, gpuID: UInt32, earliest: UInt64 = 0, latest: UInt64 = .max) {
      self.actionID = actionID
      self.modelID = modelID
      self.gpuID = gpuID
      self.earliest = earliest
      self.latest = latest
    }
  }

  /// Runs a batch; the frame's body holds the inputs.
  public struct Infer: Sendable, Equatable {
    public var actionID: Int32
    public var modelID: Int32
    public var gpuID: UInt32
    public var earliest: UInt64
    public var latest: UInt64
    public var expectedDuration: UInt64
    public var batchSize: UInt32
    /// The sizes of the LZ4 blocks that the body is made of; none when it is raw.
    public var inputSizes: [UInt32]
    /// Whether each item's answer is to be sent by itself: our extension, see `proto/clockwork.proto`.
    public var wantsItemResults: Bool

    public init(
      actionID: Int32, modelID: Int32, gpuID: UInt32, earliest: UInt64 = 0, latest: UInt64 = .max,
      expectedDuration: UInt64 = 0, batchSize: UInt32 = 1, inputSizes: [UInt32] = [], wantsItemResults: Bool = false
    ) {
      self.actionID = actionID
      self.modelID = modelID
      self.gpuID = gpuID
      self.earliest = earliest
      self.latest = latest
      self.expectedDuration = expectedDuration
      self.batchSize = batchSize
      self.inputSizes = inputSizes
      self.wantsItemResults = wantsItemResults
    }
  }

  /// Frees all weights on all GPUs.
  public struct ClearCache: Sendable, Equatable {
    public var actionID: Int32
    public init(actionID: Int32) { self.actionID = actionID }
  }

  public struct GetWorkerState: Sendable, Equatable {
    public var actionID: Int32
    public init(actionID: Int32) { self.actionID = actionID }
  }
}
