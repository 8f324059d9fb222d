import ModelGraph

/// Names a block of device memory of one plan: planned (shares the arena with others) or constant (weights).
struct MemoryID: Hashable, Sendable { let index: Int }

/// A strided window on device memory. Layout *is* the strides: a transposed, sliced, expanded or channels-last tensor is
/// a view with other strides, and nothing moves until a kernel needs it otherwise.
struct TensorView: Sendable {
  var memory: MemoryID
  /// Type in device memory. Half precision never appears: it is widened on the way in and narrowed on the way out.
  var type: DataType
  var shape: Shape
  /// In elements, one per dimension; 0 repeats, negative runs backwards.
  var strides: [Int]
  /// Of the first element, in elements.
  var offset: Int = 0

  var elementCount: Int { shape.elementCount }
  var rank: Int { shape.count }

  /// Elements lie densely in the order of `axes` (outermost first), from offset 0.
  func isDense(inOrder axes: [Int]) -> Bool {
    guard offset == 0 else { return false }
    var expected = 1
    for axis in axes.reversed() {
      if shape[axis] != 1 && strides[axis] != expected { return false }
      expected *= shape[axis]
    }
    return true
  }

  var isRowMajor: Bool { isDense(inOrder: Array(0..<rank)) }

  /// `[N, C, spatial…]` stored as `[N, spatial…, C]`.
  var isChannelsLast: Bool { rank >= 3 && isDense(inOrder: Layout.channelsLast.order(rank: rank)) }
}

/// The dense orders in which kernels write.
enum Layout: Sendable {
  case rowMajor
  /// `[N, C, spatial…]` stored as `[N, spatial…, C]`.
  case channelsLast

  /// The axes from outermost to innermost.
  func order(rank: Int) -> [Int] {
    switch self {
    case .channelsLast where rank >= 3: [0] + Array(2..<rank) + [1]
    default: Array(0..<rank)
    }
  }

  func strides(for shape: Shape) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    var next = 1
    for axis in order(rank: shape.count).reversed() {
      strides[axis] = next
      next *= shape[axis]
    }
    return strides
  }
}

extension DataType {
  /// The type in device memory.
  var deviceType: DataType { self == .float16 ? .float32 : self }

  /// OpenCL C's name of the type in device memory.
  var openCLName: String {
    switch self {
    case .float32, .float16: "float"
    case .float64: "double"
    case .int8: "char"
    case .int16: "short"
    case .int32: "int"
    case .int64: "long"
    case .uint8, .bool: "uchar"
    case .uint16: "ushort"
    case .uint32: "uint"
    case .uint64: "ulong"
    }
  }
}
