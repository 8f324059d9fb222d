/// `ValueInfoProto`: the declared type of an input, an output or a value between nodes.
public struct ONNXValue: Sendable {
  public var name: String
  /// `nil` when there is none, or when it is not a tensor's.
  public var tensorType: ONNXTensorType?

  public init(name: String, tensorType: ONNXTensorType?) {
    self.name = name
    self.tensorType = tensorType
  }
}

/// `TypeProto.Tensor`.
public struct ONNXTensorType: Sendable {
  public var elementType: Int32
  /// `nil`: even the rank is unknown.
  public var dimensions: [ONNXDimension]?

  public init(elementType: Int32, dimensions: [ONNXDimension]?) {
    self.elementType = elementType
    self.dimensions = dimensions
  }
}

/// `TensorShapeProto.Dimension`; both `nil` when nothing is known.
public struct ONNXDimension: Sendable {
  public var extent: Int64?
  public var parameter: String?

  public init(extent: Int64?, parameter: String?) {
    self.extent = extent
    self.parameter = parameter
  }
}
