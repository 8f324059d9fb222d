/// Matrix products.
enum LinearRules {
  static let rules: [String: OperatorRule] = [
    "MatMul": OperatorRule(2, infer: matMul),
    "Gemm": OperatorRule(2...3, infer: gemm),
  ]

  static func matMul(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let (a, b) = try context.sameTypeOperands(0, 1, of: .numeric)
    guard a.rank >= 1, b.rank >= 1 else {
      throw context.invalid(expected: "operands of rank 1 or more", got: "\(a.shape) and \(b.shape)")
    }
    let left = a.rank == 1 ? [1] + a.shape : a.shape
    let right = b.rank == 1 ? b.shape + [1] : b.shape
    guard left[left.count - 1] == right[right.count - 2] else {
      throw context.invalid(expected: "operands that share their inner extent", got: "\(a.shape) and \(b.shape)")
    }
    var shape = try context.broadcast(Array(left.dropLast(2)), Array(right.dropLast(2)))
    if a.rank > 1 { shape.append(left[left.count - 2]) }
    if b.rank > 1 { shape.append(right[right.count - 1]) }
    return [TensorType(a.type, shape)]
  }

  private static func gemm(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let (a, b) = try context.sameTypeOperands(0, 1, of: .numeric)
    guard a.rank == 2, b.rank == 2 else {
      throw context.invalid(expected: "two matrices", got: "\(a.shape) and \(b.shape)")
    }
    let left = try context.flag("transA", default: false) ? [a.shape[1], a.shape[0]] : a.shape
    let right = try context.flag("transB", default: false) ? [b.shape[1], b.shape[0]] : b.shape
    guard left[1] == right[0] else {
      throw context.invalid(expected: "operands that share their inner extent", got: "\(left) and \(right)")
    }
    let shape = [left[0], right[1]]
    if context.has(2) {
      let (_, c) = try context.sameTypeOperands(0, 2, of: .numeric)
      try context.require(c.shape, broadcastsTo: shape)
    }
    return [TensorType(a.type, shape)]
  }
}
