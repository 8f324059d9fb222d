/// Operators that take many elements together: reductions, arg-reductions, softmax, running sums.
enum ReductionRules {
  static let rules: [String: OperatorRule] = {
    var rules: [String: OperatorRule] = [:]
    for op in ["L1", "L2", "LogSum", "LogSumExp", "Mean", "Prod", "Sum", "SumSquare"] {
      rules["Reduce" + op] = reduction(accepting: .numeric)
    }
    for op in ["Max", "Min"] { rules["Reduce" + op] = reduction(accepting: .any) }
    for op in ["ArgMax", "ArgMin"] { rules[op] = OperatorRule(1, infer: argument) }
    for op in ["Softmax", "LogSoftmax"] { rules[op] = OperatorRule(1, infer: softmax) }
    rules["CumSum"] = OperatorRule(2, shapeOperands: [1], infer: cumulativeSum)
    rules["TopK"] = OperatorRule(1...2, shapeOperands: [1], infer: topK)
    return rules
  }()

  private static func reduction(accepting kind: ElementKind) -> OperatorRule {
    OperatorRule(1...2, shapeOperands: [1]) { (context) throws(GraphError) in
      let x = try context.operand(0, of: kind)
      return [TensorType(x.type, try ReduceAxes(context).outputShape)]
    }
  }

  private static func argument(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    _ = try context.operand(0, of: .numeric)
    let axes = try ReduceAxes(context)
    guard axes.groupCount > 0 else {
      throw context.invalid(expected: "an axis of extent 1 or more", got: "\(axes.inputShape)")
    }
    return [TensorType(.int64, axes.outputShape)]
  }

  private static func softmax(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0, of: .floatingPoint)
    _ = try SoftmaxGeometry(context)
    return [x]
  }

  private static func cumulativeSum(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0, of: .numeric)
    _ = try context.axis(try context.integer(1), rank: x.rank)
    _ = try context.flag("exclusive", default: false)
    _ = try context.flag("reverse", default: false)
    return [x]
  }

  private static func topK(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0, of: .numeric)
    let axis = try context.axis(try context.int("axis", default: -1), rank: x.rank)
    let count: Int
    if context.opset < 10 {
      guard let k = try context.int("k") else { throw context.invalid(expected: "attribute k", got: "none") }
      count = k
    } else {
      count = try context.integer(1)
    }
    guard count >= 0, count <= x.shape[axis] else {
      throw context.invalid(expected: "k in 0...\(x.shape[axis])", got: "\(count)")
    }
    var shape = x.shape
    shape[axis] = count
    return [TensorType(x.type, shape), TensorType(.int64, shape)]
  }
}
