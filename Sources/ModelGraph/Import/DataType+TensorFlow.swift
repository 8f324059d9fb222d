import Wire

extension DataType {
  public var tensorFlowType: TensorFlowType {
    switch self {
    case .float32: .float
    case .float16: .half
    case .float64: .double
    case .int8: .int8
    case .int16: .int16
    case .int32: .int32
    case .int64: .int64
    case .uint8: .uint8
    case .uint16: .uint16
    case .uint32: .uint32
    case .uint64: .uint64
    case .bool: .bool
    }
  }

  /// Nil for types that no model here has: strings, complex numbers, quantised ones.
  public init?(_ type: TensorFlowType) {
    guard let match = DataType.allCases.first(where: { $0.tensorFlowType == type }) else { return nil }
    self = match
  }
}
