/// What a worker answers. Times are nanoseconds on the controller's clock, save those of the first action of a
/// connection: the clocks are not known to one another then.
public enum ClockworkResult: Sendable, Equatable {
  case error(Failure)
  case loadModelFromDisk(LoadModelFromDisk)
  case loadWeights(LoadWeights)
  case infer(Infer)
  case evictWeights(EvictWeights)
  case clearCache(ClearCache)
  case getWorkerState(GetWorkerState)
  /// Answers of some items, before the action's one result: our extension.
  case inferItems(InferItems)

  public var actionID: Int32 {
    switch self {
    case .error(let result): result.actionID
    case .loadModelFromDisk(let result): result.actionID
    case .loadWeights(let result): result.actionID
    case .infer(let result): result.actionID
    case .evictWeights(let result): result.actionID
    case .clearCache(let result): result.actionID
    case .getWorkerState(let result): result.actionID
    case .inferItems(let result): result.actionID
    }
  }

  /// The kind of action that it answers.
  public var kind: ClockworkAction.Kind? {
    switch self {
    case .error(let result): ClockworkAction.Kind(rawValue: result.actionType)
    case .loadModelFromDisk: .loadModelFromDisk
    case .loadWeights: .loadWeights
    case .infer, .inferItems: .infer
    case .evictWeights: .evictWeights
    case .clearCache: .clearCache
    case .getWorkerState: .getWorkerState
    }
  }

  public var actionReceived: UInt64? {
    switch self {
    case .error(let result): result.actionReceived
    case .loadModelFromDisk(let result): result.actionReceived
    case .loadWeights(let result): result.actionReceived
    case .infer(let result): result.actionReceived
    case .evictWeights(let result): result.actionReceived
    case .clearCache(let result): result.actionReceived
    case .getWorkerState(let result): result.actionReceived
    case .inferItems: nil
    }
  }

  public var resultSent: UInt64 {
    switch self {
    case .error(let result): result.resultSent
    case .loadModelFromDisk(let result): result.resultSent
    case .loadWeights(let result): result.resultSent
    case .infer(let result): result.resultSent
    case .evictWeights(let result): result.resultSent
    case .clearCache(let result): result.resultSent
    case .getWorkerState(let result): result.resultSent
    case .inferItems(let result): result.resultSent
    }
  }

  /// When a task began and ended, and how long the device took for it.
  public struct Timing: Sendable, Equatable {
    public var begin: UInt64
    public var end: UInt64
    /// Not `end - begin` where the device measures.
    public var duration: UInt64

    public init(begin: UInt64, end: UInt64, duration: UInt64) {
      self.begin = begin
      self.end = end
      self.duration = duration
    }
  }

  public struct Failure: Sendable, Equatable {
    public var actionID: Int32
    /// A ``ClockworkAction/Kind``, or whatever the peer wrote.
    public var actionType: Int32
    public var status: Int32
    public var message: String
    public var actionReceived: UInt64
    public var resultSent: UInt64

    public init(
      actionID: Int32, actionType: Int32, status: Int32, message: String, actionReceived: UInt64, resultSent: UInt64
    ) {
      self.actionID = actionID
      self.actionType = actionType
      self.status = status
      self.message = message
      self.actionReceived = actionReceived
      self.resultSent = resultSent
    }
  }

  public struct LoadModelFromDisk: Sendable, Equatable {
    public var actionID: Int32
    public var timing: Timing
    /// Bytes of one item.
    public var inputSize: UInt64
    public var outputSize: UInt64
    /// Ascending, from 1.
    public var batchSizes: [UInt32]
    /// Bytes, in whole pages.
    public var weightsSizeInCache: UInt64
    public var weightsPages: UInt32
    public var weightsLoadTime: UInt64
    /// For each of ``batchSizes``.
    public var execTimes: [UInt64]
    public var copiesCreated: Int32
    public var actionReceived: UInt64
    public var resultSent: UInt64

    public init(
      actionID: Int32, timing: Timing, inputSize: UInt64, outputSize: UInt64, batchSizes: [UInt32],
      weightsSizeInCache: UInt64, weightsPages: UInt32, weightsLoadTime: UInt64, execTimes: [UInt64],
      copiesCreated: Int32, actionReceived: UInt64, resultSent: UInt64
    ) {
      self.actionID = actionID
      self.timing = timing
      self.inputSize = inputSize
      self.outputSize = outputSize
      self.batchSizes = batchSizes
      self.weightsSizeInCache = weightsSizeInCache
      self.weightsPages = weightsPages
      self.weightsLoadTime = weightsLoadTime
      self.execTimes = execTimes
      self.copiesCreated = copiesCreated
      self.actionReceived = actionReceived
      self.resultSent = resultSent
    }
  }

  public struct LoadWeights: Sendable, Equatable {
    public var actionID: Int32
    public var timing: Timing
    public var actionReceived: UInt64
    public var resultSent: UInt64

    public init(actionID: Int32, timing: Timing, actionReceived: UInt64, resultSent: UInt64) {
      self.actionID = actionID
      self.timing = timing
      self.actionReceived = actionReceived
      self.resultSent = resultSent
    }
  }

  public struct EvictWeights: Sendable, Equatable {
    public var actionID: Int32
    public var timing: Timing
    public var actionReceived: UInt64
    public var resultSent: UInt64

    public init(actionID: Int32, timing: Timing, actionReceived: UInt64, resultSent: UInt64) {
      self.actionID = actionID
      self.timing = timing
      self.actionReceived = actionReceived
      self.resultSent = resultSent
    }
  }

  /// The frame's body holds the outputs.
  public struct Infer: Sendable, Equatable {
    public var actionID: Int32
    public var copyInput: Timing
    public var exec: Timing
    public var copyOutput: Timing
    public var gpuID: UInt32
    /// MHz.
    public var gpuClockBefore: UInt32
    public var gpuClock: UInt32
    public var actionReceived: UInt64
    public var resultSent: UInt64

    public init(
      actionID: Int32, copyInput: Timing, exec: Timing, copyOutput: Timing, gpuID: UInt32, gpuClockBefore: UInt32,
      gpuClock: UInt32, actionReceived: UInt64, resultSent: UInt64
    ) {
      self.actionID = actionID
      self.copyInput = copyInput
      self.exec = exec
      self.copyOutput = copyOutput
      self.gpuID = gpuID
      self.gpuClockBefore = gpuClockBefore
      self.gpuClock = gpuClock
      self.actionReceived = actionReceived
      self.resultSent = resultSent
    }
  }

  /// The frame's body holds the outputs of ``items``, in their order.
  public struct InferItems: Sendable, Equatable {
    public var actionID: Int32
    /// Positions in the batch, ascending.
    public var items: [UInt32]
    public var answered: UInt64
    public var resultSent: UInt64
    /// Where they left the model.
    public var exit: String

    public init(actionID: Int32, items: [UInt32], answered: UInt64, resultSent: UInt64, exit: String) {
      self.actionID = actionID
      self.items = items
      self.answered = answered
      self.resultSent = resultSent
      self.exit = exit
    }
  }

  public struct ClearCache: Sendable, Equatable {
    public var actionID: Int32
    public var actionReceived: UInt64
    public var resultSent: UInt64

    public init(actionID: Int32, actionReceived: UInt64, resultSent: UInt64) {
      self.actionID = actionID
      self.actionReceived = actionReceived
      self.resultSent = resultSent
    }
  }

  public struct GetWorkerState: Sendable, Equatable {
    public var actionID: Int32
    public var state: ClockworkWorkerState
    public var actionReceived: UInt64
    public var resultSent: UInt64

    public init(actionID: Int32, state: ClockworkWorkerState, actionReceived: UInt64, resultSent: UInt64) {
      self.actionID = actionID
      self.state = state
      self.actionReceived = actionReceived
      self.resultSent = resultSent
    }
  }
}
