/// ``FusedOperator/gemm`` takes any number of leading axes: the `Reshape` that makes a matrix of its operand and the one
/// that takes the result apart again go.
enum FlattenedProductPattern {
  static func rewrite(_ rewriter: inout GraphRewriter) {
    let matcher = rewriter.matcher
    for (index, node) in matcher.graph.nodes.enumerated() where node.isFused(.gemm) && node.input(3) == nil {
      guard let matrix = node.input(0), !matcher.mustSurvive(matrix),
        let flatten = matcher.producer(of: matrix, MovementPattern.reshaping),
        let source = matcher.node(flatten).input(0), let shape = matcher.shape(source), let depth = shape.last,
        depth == matcher.shape(matrix)?.last, let columns = matcher.shape(node.output(0))?.last,
        let restore = matcher.soleReader(of: node.output(0), MovementPattern.reshaping),
        matcher.shape(matcher.node(restore).output(0)) == shape.dropLast() + [columns]
      else { continue }
      var product = node
      product.inputs[0] = source
      product.outputs = matcher.node(restore).outputs
      rewriter.replace([index, restore], by: [product], kind: .movement)
    }
  }
}
