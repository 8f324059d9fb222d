import ModelGraph

/// What a signature says of one input or output.
public struct TensorSpec: Hashable, Sendable {
  public let name: String
  public let type: DataType
  /// Extents; `nil` where any size is accepted. The first is the batch. `nil` as a whole when the rank is unknown.
  public let shape: [Int?]?

  public init(name: String, type: DataType, shape: [Int?]?) {
    self.name = name
    self.type = type
    self.shape = shape
  }
}
