import ModelGraph

/// Side outputs that a run is to compute, see ``LoadedModel/Options/sideOutputs``. Made once by
/// ``LoadedModel/sideOutputs(_:)``, used for many runs.
public struct SideOutputs: Sendable, Hashable {
  /// In the order of the model's outputs.
  public let names: [String]
  /// Positions among the model's outputs.
  let positions: Set<Int>

  /// None: what is left is the model as if it had no side outputs.
  public static let none = SideOutputs(names: [], positions: [])
}

/// How much doubt there is in a row of scores, through softmax.
public enum RowScore: Sendable {
  /// 1 − the largest probability.
  case oneMinusTop1
  /// Entropy divided by that of the uniform distribution.
  case normalisedEntropy
}

/// A reason to be told of side outputs early: a row of scores with little doubt.
///
/// Waking a host that sleeps takes a share of a small model's run; a device that can look at the scores itself does not
/// do it for nothing.
public struct SideGate: Sendable {
  /// Position in ``SideOutputs/names`` of scores [rows, columns] in single precision.
  public let scores: Int
  /// Positions of what is read together with them, they included.
  public let complete: [Int]
  /// What the doubt must be below; 0 is never. Devices may err to either side by rounding: leave a margin.
  public let limit: Float
  public let score: RowScore

  public init(scores: Int, complete: [Int], limit: Float, score: RowScore) {
    self.scores = scores
    self.complete = complete
    self.limit = limit
    self.score = score
  }
}

/// A side output that the device has just completed, while it goes on with the run. Not to be read any more once the run
/// has returned.
public struct SideResult {
  /// Position in ``SideOutputs/names``.
  public let index: Int
  public let type: DataType
  public let shape: Shape
  /// Row-major elements, of the type that ``type`` has on the device.
  private let bytes: UnsafeRawBufferPointer

  init(index: Int, type: DataType, shape: Shape, bytes: UnsafeRawBufferPointer) {
    self.index = index
    self.type = type
    self.shape = shape
    self.bytes = bytes
  }

  /// The elements of an output of single or half precision, where they are: nothing is copied or allocated.
  ///
  /// - Precondition: the output holds floats.
  public func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
    precondition(type.deviceType == .float32, "a \(type) output has no floats")
    return try body(bytes.bindMemory(to: Float.self))
  }

  /// A copy that outlives the run.
  public func tensor() -> Tensor { Tensor(type: type, shape: shape, deviceBytes: bytes) }
}

extension Tensor {
  /// A copy of an output's elements as they are on the device, where half precision is single.
  init(type: DataType, shape: Shape, deviceBytes bytes: UnsafeRawBufferPointer) {
    guard type == .float16 else {
      self.init(
        type: type, shape: shape, storage: TensorStorage(byteCount: bytes.count) { $0.copyMemory(from: bytes) })
      return
    }
    let halves = bytes.bindMemory(to: Float.self).map(\.halfBits)
    self.init(type: .float16, shape: shape, storage: TensorStorage(copying: halves))
  }
}
