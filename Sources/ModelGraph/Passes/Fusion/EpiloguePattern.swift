/// ``FusedOperator/conv`` or ``FusedOperator/gemm``, the sum with a residual after it and the activation after that
/// become one node, which stands where the last of them stood.
enum EpiloguePattern {
  static func rewrite(_ rewriter: inout GraphRewriter) {
    let matcher = rewriter.matcher
    // Of two products that a sum adds, the later one takes it.
    for index in matcher.graph.nodes.indices.reversed() where rewriter.isFree([index]) {
      var node = matcher.node(index)
      guard node.isFused(.conv) || node.isFused(.gemm), Activation(of: node) == nil else { continue }
      var nodes = [index]
      if let (sum, residual) = residual(of: node, matcher), rewriter.isFree([sum]) {
        nodes.append(sum)
        node.inputs = [node.input(0), node.input(1), node.input(2), residual]
        node.outputs = matcher.node(sum).outputs
      }
      if let reader = matcher.soleReader(of: node.output(0)), rewriter.isFree([reader]),
        matcher.isComputable(node.output(0)), let activation = Activation(matcher.node(reader), in: matcher.graph)
      {
        nodes.append(reader)
        node.attributes.merge(activation.attributes) { $1 }
        node.outputs = matcher.node(reader).outputs
      }
      if nodes.count > 1 { rewriter.replace(nodes, by: [node], kind: .epilogue) }
    }
  }

  private static func residual(of node: Node, _ matcher: PatternMatcher) -> (sum: Int, residual: ValueID)? {
    guard node.input(3) == nil, let output = node.output(0), !isDepthwise(node, matcher),
      let sum = matcher.soleReader(of: output, ["Add", "Sum"]),
      let residual = matcher.operandOrders(of: matcher.node(sum)).first(where: { $0.0 == output })?.1,
      let shape = matcher.shape(output), matcher.shape(residual) == shape,
      matcher.shape(matcher.node(sum).output(0)) == shape, matcher.graph[residual].type == matcher.graph[output].type
    else { return nil }
    return (sum, residual)
  }

  /// Depthwise kernels have no residual operand: a sum of its own costs less than another kernel.
  private static func isDepthwise(_ node: Node, _ matcher: PatternMatcher) -> Bool {
    guard node.isFused(.conv), let channels = matcher.shape(node.input(0))?[1] else { return false }
    return channels > 1 && node.int("group") == channels
  }
}
