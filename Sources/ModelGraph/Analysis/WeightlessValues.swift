extension Graph {
  /// The values that are computed from the graph's inputs without any weights: masks, their sums, lengths. Inputs
  /// themselves count, constants do not; of what only a shape is read, nothing is computed. O(nodes).
  ///
  /// A weight is a floating-point constant of more than one element.
  public func weightlessValues() -> Set<ValueID> {
    var result = Set(inputs.filter { constant($0) == nil })
    for node in nodes {
      let isWeightless =
        Evaluator.readsOnlyShapes(node)
        || node.inputs.allSatisfy { operand in
          guard let operand else { return true }
          return result.contains(operand) || constant(operand).map { !$0.isWeight } ?? false
        }
      if isWeightless { result.formUnion(node.outputs.compactMap { $0 }) }
    }
    return result
  }
}

extension Tensor {
  /// Whether it holds numbers that were learnt, as far as one can tell from outside.
  var isWeight: Bool { type.isFloatingPoint && elementCount > 1 }
}
