/// Our own operators, see ``FusedOperator``.
enum FusedRules {
  static let rules: [String: OperatorRule] = [
    FusedOperator.conv.rawValue: OperatorRule(2...4) { (context) throws(GraphError) in
      let result = TensorType(try context.type(0), try ConvolutionGeometry(context).outputShape)
      return [try residual(context, 3, result)]
    },
    FusedOperator.gemm.rawValue: OperatorRule(2...4) { (context) throws(GraphError) in
      let (a, weights) = try context.sameTypeOperands(0, 1, of: .floatingPoint)
      guard weights.rank == 2 else { throw context.invalid(expected: "B of rank 2", got: "\(weights.shape)") }
      let transposed = try context.flag("transB", default: false)
      let (depth, columns) = (weights.shape[transposed ? 1 : 0], weights.shape[transposed ? 0 : 1])
      guard a.shape.last == depth else {
        throw context.invalid(expected: "operands that share their inner extent \(depth)", got: "A \(a.shape)")
      }
      try context.require(2, shape: [columns])
      return [try residual(context, 3, TensorType(a.type, a.shape.dropLast() + [columns]))]
    },
    FusedOperator.attention.rawValue: OperatorRule(3...4, infer: attention),
  ]

  /// A residual operand has the type and shape of the result.
  private static func residual(
    _ context: NodeContext, _ position: Int, _ result: TensorType
  ) throws(GraphError) -> TensorType {
    if context.has(position) {
      let residual = try context.operand(position)
      guard residual == result else { throw context.invalid(expected: "a residual \(result)", got: "\(residual)") }
    }
    return result
  }

  private static func attention(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let (query, key) = try context.sameTypeOperands(0, 1, of: .floatingPoint)
    let (_, value) = try context.sameTypeOperands(0, 2, of: .floatingPoint)
    let heads = try context.int("num_heads", default: 1)
    guard query.rank == 3, key.rank == 3, value.rank == 3, heads >= 1,
      query.shape[0] == key.shape[0], key.shape[2] == query.shape[2], query.shape[2] % heads == 0,
      value.shape[..<2] == key.shape[..<2], value.shape[2] % heads == 0
    else {
      throw context.invalid(
        expected: "Q, K, V [N, S, heads·d] with \(heads) heads",
        got: "\(query.shape), \(key.shape), \(value.shape)")
    }
    if context.has(3) {
      try context.require(
        try context.shape(3), broadcastsTo: [query.shape[0], heads, query.shape[1], key.shape[1]])
    }
    return [TensorType(query.type, [query.shape[0], query.shape[1], value.shape[2]])]
  }
}
