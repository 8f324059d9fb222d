import ModelGraph

/// What a reduction does with the elements of a set; the raw value is the define of `Kernels/reduce.cl`.
enum Reduction: String, Sendable {
  case sum = "SUM"
  case mean = "MEAN"
  case product = "PRODUCT"
  case maximum = "MAXIMUM"
  case minimum = "MINIMUM"
  case l1 = "L1"
  case l2 = "L2"
  case sumOfSquares = "SUM_OF_SQUARES"
  case logSum = "LOG_SUM"
  case logSumExp = "LOG_SUM_EXP"

  /// A set of one element reduces to that element.
  var keepsSingleElement: Bool { [.sum, .mean, .product, .maximum, .minimum, .logSumExp].contains(self) }

  /// How the sets lie in memory: which kernel.
  enum Form: String, Sendable {
    case dense = "DENSE"
    case sideBySide = "SIDE_BY_SIDE"
    case any = "ANY"
  }

  func kernel(_ form: Form, of type: DataType) -> KernelSpec {
    var defines: [KernelSpec.Define] = [
      .init(name: "T", value: type.openCLName), .init(name: rawValue, value: "1"),
      .init(name: form.rawValue, value: "1"),
    ]
    if type == .float32 { defines.append(.init(name: "SINGLE", value: "1")) }
    if !type.isFloatingPoint {
      defines.append(.init(name: "INTEGER", value: "1"))
      if self == .l2 || self == .logSum { defines.append(.init(name: "REAL", value: "double")) }
    }
    if self == .maximum || self == .minimum {
      defines.append(.init(name: "LOWEST", value: type.lowest))
      defines.append(.init(name: "HIGHEST", value: type.highest))
    }
    return KernelSpec("reduce", "reduce_" + form.rawValue.lowercased()).adding(defines)
  }
}

extension DataType {
  /// OpenCL C's name of the lowest value.
  var lowest: String {
    switch self {
    case .float32, .float16, .float64: "-INFINITY"
    case .int8: "SCHAR_MIN"
    case .int16: "SHRT_MIN"
    case .int32: "INT_MIN"
    case .int64: "LONG_MIN"
    case .uint8, .uint16, .uint32, .uint64, .bool: "0"
    }
  }

  /// OpenCL C's name of the highest value.
  var highest: String {
    switch self {
    case .float32, .float16, .float64: "INFINITY"
    case .int8: "SCHAR_MAX"
    case .int16: "SHRT_MAX"
    case .int32: "INT_MAX"
    case .int64: "LONG_MAX"
    case .uint8: "UCHAR_MAX"
    case .uint16: "USHRT_MAX"
    case .uint32: "UINT_MAX"
    case .uint64: "ULONG_MAX"
    case .bool: "1"
    }
  }
}
