import ModelGraph

/// ONNX files of a few hundred bytes, written by hand.
public enum TinyModel {
  /// y = x · scale + offset, elementwise, over a batch of rows of `width`; for a width of `nil`, over a batch of numbers.
  public static func affine(scale: Float, offset: Float, width: Int? = nil) -> [UInt8] {
    let shape: [Extent] = [.symbolic("batch")] + (width.map { [.fixed($0)] } ?? [])
    return model(
      nodes: [node("Mul", ["x", "scale"], "scaled"), node("Add", ["scaled", "offset"], "y")],
      initializers: [tensor("scale", [scale]), tensor("offset", [offset])],
      inputs: [("x", shape)], outputs: [("y", shape)])
  }

  /// sum = a + b and difference = a − b, over batches of rows of `width`.
  public static func sumAndDifference(width: Int) -> [UInt8] {
    let shape: [Extent] = [.symbolic("batch"), .fixed(width)]
    return model(
      nodes: [node("Add", ["a", "b"], "sum"), node("Sub", ["a", "b"], "difference")], initializers: [],
      inputs: [("a", shape), ("b", shape)], outputs: [("sum", shape), ("difference", shape)])
  }

  private enum Extent {
    case fixed(Int)
    case symbolic(String)
  }

  // MARK: ONNX messages, by field number

  private static func model(
    nodes: [[UInt8]], initializers: [[UInt8]], inputs: [(String, [Extent])], outputs: [(String, [Extent])]
  ) -> [UInt8] {
    var graph: [UInt8] = []
    for node in nodes { graph += bytes(1, node) }
    graph += bytes(2, Array("tiny".utf8))
    for initializer in initializers { graph += bytes(5, initializer) }
    for input in inputs { graph += bytes(11, valueInfo(input)) }
    for output in outputs { graph += bytes(12, valueInfo(output)) }
    return varint(1, 8) + bytes(7, graph) + bytes(8, varint(2, 17))
  }

  private static func node(_ op: String, _ inputs: [String], _ output: String) -> [UInt8] {
    inputs.flatMap { bytes(1, Array($0.utf8)) } + bytes(2, Array(output.utf8)) + bytes(3, Array(output.utf8))
      + bytes(4, Array(op.utf8))
  }

  private static func tensor(_ name: String, _ values: [Float]) -> [UInt8] {
    let raw = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    return varint(1, values.count) + varint(2, 1) + bytes(8, Array(name.utf8)) + bytes(9, raw)
  }

  private static func valueInfo(_ value: (name: String, shape: [Extent])) -> [UInt8] {
    let dimensions = value.shape.flatMap { extent -> [UInt8] in
      switch extent {
      case .fixed(let count): bytes(1, varint(1, count))
      case .symbolic(let name): bytes(1, bytes(2, Array(name.utf8)))
      }
    }
    return bytes(1, Array(value.name.utf8)) + bytes(2, bytes(1, varint(1, 1) + bytes(2, dimensions)))
  }

  private static func bytes(_ field: Int, _ content: [UInt8]) -> [UInt8] {
    number(field << 3 | 2) + number(content.count) + content
  }

  private static func varint(_ field: Int, _ value: Int) -> [UInt8] { number(field << 3) + number(value) }

  private static func number(_ value: Int) -> [UInt8] {
    var rest = value
    var result: [UInt8] = []
    while rest > 127 {
      result.append(UInt8(rest & 127 | 128))
      rest >>= 7
    }
    return result + [UInt8(rest)]
  }
}
