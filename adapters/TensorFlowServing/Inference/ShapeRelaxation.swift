import ModelGraph

/// Shapes that TensorFlow would take although they are not the signature's.
///
/// TensorFlow-Serving never compares shapes with the signature; whatever the graph accepts is accepted, and graphs of
/// element-wise operators accept everything. Its own tests send scalars, vectors and matrices to an input declared as
/// `[-1, 1]`. Models here are typed, so such inputs are reshaped: when an item is one element, any shape is as many
/// items as it has elements. An output of the shape that the input was given gets the sent one back.
///
/// Inputs whose items have several elements must have their declared shape: an image whose axes are in the wrong order
/// must be an error and not a wrong answer.
struct ShapeRelaxation: Equatable {
  let sent: Shape
  let relaxed: Shape

  /// - Parameter declared: nil for any rank, extents nil for any extent.
  /// - Returns: nil when the shape is not one that the model takes.
  init?(of sent: Shape, to declared: [Int?]?) {
    self.sent = sent
    guard let declared, !Self.matches(sent, declared) else {
      relaxed = sent
      return
    }
    guard !declared.isEmpty, declared.dropFirst().allSatisfy({ $0 == 1 }) else { return nil }
    let items = sent.elementCount
    guard declared[0] == nil || declared[0] == items else { return nil }
    relaxed = [items] + [Int](repeating: 1, count: declared.count - 1)
  }

  private static func matches(_ shape: Shape, _ declared: [Int?]) -> Bool {
    shape.count == declared.count && zip(shape, declared).allSatisfy { $1 == nil || $0 == $1 }
  }

  /// An output as the client expects it.
  func restored(_ output: Tensor) -> Tensor {
    output.shape == relaxed && sent != relaxed ? output.reshaped(to: sent) : output
  }
}
