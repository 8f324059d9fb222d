extension Graph {
  /// The graph inputs whose *values* decide shapes or attributes of nodes: a specialisation needs their values, not
  /// only their shapes. O(nodes).
  ///
  /// They are found backwards from the operands that ``OperatorRule/shapeOperands`` lists, through operators that
  /// constant folding can compute, and not through `Shape` and `Size`, which read no elements.
  public func shapeInputs() -> Set<ValueID> { valuesThatDecideShapes().intersection(inputs) }

  /// The values that are not constant and decide shapes or attributes.
  func valuesThatDecideShapes() -> Set<ValueID> {
    var result: Set<ValueID> = []
    for node in nodes.reversed() {
      for position in OperatorRule.of(node)?.shapeOperands ?? [] {
        if let operand = node.input(position), constant(operand) == nil { result.insert(operand) }
      }
      guard Evaluator.covers(node), !Evaluator.readsOnlyShapes(node),
        node.outputs.contains(where: { $0.map(result.contains) ?? false })
      else { continue }
      for case let operand? in node.inputs where constant(operand) == nil { result.insert(operand) }
    }
    return result
  }
}
