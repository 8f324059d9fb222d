/// The element types that a tensor can have. Names and widths are those of ONNX `TensorProto.DataType`.
public enum DataType: String, Sendable, Hashable, CaseIterable {
  case float32, float16, float64
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case bool

  /// Bytes per element, in files and in host memory.
  public var byteWidth: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  public var isFloatingPoint: Bool { self == .float32 || self == .float16 || self == .float64 }

  public var isSignedInteger: Bool { [.int8, .int16, .int32, .int64].contains(self) }
}
