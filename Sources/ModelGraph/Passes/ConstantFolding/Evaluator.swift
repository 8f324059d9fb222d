/// Computes a node whose operands are all constant.
enum Evaluator {
  /// - Parameters:
  ///   - types: the outputs as the operator's rule inferred them; the rule has checked operands and attributes.
  /// - Returns: the outputs, or `nil` when the node has no constant result (a division by zero).
  typealias Evaluate = @Sendable (NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]?

  /// Whether the node can be computed here once its operands are known.
  static func covers(_ node: Node) -> Bool { node.domain == .onnx && table[node.op] != nil }

  /// Whether the result depends on shapes alone.
  static func readsOnlyShapes(_ node: Node) -> Bool {
    node.domain == .onnx && (node.op == "Shape" || node.op == "Size")
  }

  static func evaluate(_ context: NodeContext, types: [TensorType]) throws(GraphError) -> [Tensor]? {
    guard context.node.domain == .onnx, let evaluate = table[context.node.op] else { return nil }
    return try evaluate(context, types)
  }

  private static let table: [String: Evaluate] = {
    var table = MovementEvaluation.table
    for family in [UnaryEvaluation.table, BinaryEvaluation.table, ReductionEvaluation.table] {
      table.merge(family) { first, _ in first }
    }
    return table
  }()
}
