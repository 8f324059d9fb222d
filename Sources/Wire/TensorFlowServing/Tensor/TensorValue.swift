/// A tensor to be written into a message: dense, row-major, little-endian.
public struct TensorValue: Sendable {
  public let type: TensorFlowType
  public let shape: [Int]
  public let elements: any ByteOwner

  /// - Precondition: `elements` are as many as the shape says, of a type with a fixed width.
  public init(type: TensorFlowType, shape: [Int], elements: any ByteOwner) {
    precondition(
      type.byteWidth.map { shape.reduce($0, *) } == elements.byteCount,
      "\(elements.byteCount) bytes do not fit \(type.name) \(shape)")
    self.type = type
    self.shape = shape
    self.elements = elements
  }
}

/// In which of its two forms a tensor is written.
public enum TensorEncoding: Sendable {
  /// The typed fields (`float_val`, …): what TensorFlow-Serving answers with, and what clients read directly.
  case typedValues
  /// `tensor_content`: raw bytes.
  case content
}
