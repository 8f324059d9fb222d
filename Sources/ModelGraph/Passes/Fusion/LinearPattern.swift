/// Products with constant matrices become ``FusedOperator/gemm``, with the matrix where it is and factors folded.
enum LinearPattern {
  static func rewrite(_ rewriter: inout GraphRewriter) {
    var matrices = MatrixCache()
    for (index, node) in rewriter.matcher.graph.nodes.enumerated() where node.domain == .onnx {
      let operands: [ValueID?]? =
        switch node.op {
        case "MatMul": product(node, rewriter.matcher.graph)
        case "Gemm": generalProduct(node, &rewriter, &matrices)
        default: nil
        }
      guard let operands else { continue }
      let transposed = node.op == "Gemm" && node.int("transB") ?? 0 != 0
      rewriter.replace(
        [index],
        by: [
          .fused(
            .gemm, named: node.name, inputs: operands, outputs: node.outputs,
            attributes: transposed ? ["transB": .int(1)] : [:])
        ])
    }
  }

  private static func matrix(_ value: ValueID?, _ graph: Graph) -> Tensor? {
    guard let constant = graph.constant(value), constant.shape.count == 2, !constant.shape.contains(0),
      constant.type == .float32 || constant.type == .float16
    else { return nil }
    return constant
  }

  private static func product(_ node: Node, _ graph: Graph) -> [ValueID?]? {
    guard node.inputs.count == 2, let a = node.inputs[0], graph.constant(a) == nil, matrix(node.inputs[1], graph) != nil
    else { return nil }
    return node.inputs
  }

  private static func generalProduct(
    _ node: Node, _ rewriter: inout GraphRewriter, _ matrices: inout MatrixCache
  ) -> [ValueID?]? {
    let graph = rewriter.matcher.graph
    guard let a = node.input(0), graph.constant(a) == nil, let b = node.input(1), let matrix = matrix(b, graph),
      node.int("transA") ?? 0 == 0
    else { return nil }
    let transposes = node.int("transB") ?? 0 != 0
    let columns = matrix.shape[transposes ? 0 : 1]
    var bias: ValueID?
    if let c = node.input(2) {
      guard let constant = graph.constant(c), constant.type == matrix.type,
        let numbers = ChannelAffine.Layout(channels: columns, inner: 0, rank: 2).numbers(constant)
      else { return nil }
      let beta = Double(node.float("beta") ?? 1)
      bias =
        beta == 1 && constant.shape == [columns]
        ? c : rewriter.add(constant: Tensor(numbers.map { $0 * beta }, as: matrix.type), named: node.name + "/bias")
    }
    guard
      let weights = matrices.weights(b, times: node.float("alpha") ?? 1, rewriter: &rewriter)
    else { return nil }
    return bias.map { [a, weights, $0] } ?? [a, weights]
  }
}

/// Matrices made once for all who read them: a weight that is shared stays shared.
private struct MatrixCache {
  private struct Key: Hashable {
    let storage: ObjectIdentifier
    let shape: Shape
    let factor: Float
  }

  private var known: [Key: ValueID] = [:]

  /// - Precondition: `value` is a constant matrix.
  mutating func weights(_ value: ValueID, times factor: Float, rewriter: inout GraphRewriter) -> ValueID? {
    if factor == 1 { return value }
    guard let matrix = rewriter.matcher.graph.constant(value) else { return nil }
    let key = Key(storage: ObjectIdentifier(matrix.storage), shape: matrix.shape, factor: factor)
    if let weights = known[key] { return weights }
    guard let result = matrix.scaled(by: [Double](repeating: Double(factor), count: matrix.shape[0]), along: 0) else {
      return nil
    }
    known[key] = rewriter.add(constant: result, named: rewriter.name(of: value) + "/scaled")
    return known[key]
  }
}

extension Node {
  /// A node of one of our own operators.
  static func fused(
    _ op: FusedOperator, named name: String, inputs: [ValueID?], outputs: [ValueID?],
    attributes: [String: Attribute] = [:]
  ) -> Node {
    Node(
      name: name, domain: .apparate, op: op.rawValue, opset: 1, inputs: inputs, outputs: outputs,
      attributes: attributes)
  }

  func isFused(_ op: FusedOperator) -> Bool { domain == .apparate && self.op == op.rawValue }
}
