/// The ranks of values that hold for any shapes of the inputs.
///
/// What a file says about shapes between nodes is not believed: only declared ranks of inputs, which a specialisation
/// checks, and what operators make of them.
struct CertainRanks {
  private var ranks: [ValueID: Int] = [:]

  subscript(value: ValueID?) -> Int? { value.flatMap { ranks[$0] } }

  /// O(nodes).
  init(_ graph: Graph) {
    for index in graph.values.indices {
      if let constant = graph.values[index].constant { ranks[ValueID(index)] = constant.shape.count }
    }
    for input in graph.inputs { ranks[input] = graph[input].shape?.count }
    for node in graph.nodes {
      guard let rank = node.domain == .onnx ? rank(of: node, in: graph) : rank(ofFused: node) else { continue }
      for case let output? in node.outputs { ranks[output] = rank }
    }
  }

  private func rank(ofFused node: Node) -> Int? {
    guard node.domain == .apparate, let op = FusedOperator(rawValue: node.op) else { return nil }
    return op == .attention ? 3 : self[node.input(0)]
  }

  private func rank(of node: Node, in graph: Graph) -> Int? {
    let first = self[node.input(0)]
    switch node.op {
    case "Conv": return self[node.input(1)] ?? first
    case "Gemm", "Flatten": return 2
    case "MatMul":
      guard let a = first, let b = self[node.input(1)] else { return nil }
      return a >= 2 && b >= 2 ? max(a, b) : max(a, b) - 1
    case "Reshape": return graph.constant(node.input(1)).map(\.elementCount)
    case let op where Self.sameAsFirst.contains(op): return first
    case let op where Self.broadcasting.contains(op):
      let known = node.inputs.compactMap { self[$0] }
      return known.count == node.inputs.count ? known.max() : nil
    default: return nil
    }
  }

  private static let broadcasting: Set<String> = ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Where"]

  private static let sameAsFirst: Set<String> = [
    "Abs", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "DepthToSpace", "Dropout", "Elu", "Erf",
    "Exp", "Gelu", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity",
    "InstanceNormalization", "LRN", "LayerNormalization", "LeakyRelu", "MaxPool", "Mish", "Neg", "PRelu", "Pad", "Relu",
    "Resize", "Selu", "Sigmoid", "Slice", "Softmax", "Softplus", "SpaceToDepth", "Split", "Sqrt", "Tanh", "Transpose",
    "Upsample",
  ]
}
