extension Graph {
  /// Removes nodes that no output depends on, forgets constants that nothing reads, and makes unread optional outputs
  /// absent. Values keep their identities; inputs stay listed. O(nodes).
  public func removingDeadCode() -> Graph {
    var graph = self
    var live = Set(outputs)
    var kept: [Node] = []
    for var node in nodes.reversed() {
      guard node.outputs.contains(where: { $0.map(live.contains) ?? false }) else { continue }
      if Self.operatorsWithOptionalOutputs.contains(node.op) {
        node.outputs = node.outputs.map { $0.flatMap { live.contains($0) ? $0 : nil } }
        while case nil? = node.outputs.last { node.outputs.removeLast() }
      }
      for case let input? in node.inputs { live.insert(input) }
      kept.append(node)
    }
    graph.nodes = kept.reversed()
    live.formUnion(inputs)
    for index in values.indices where values[index].constant != nil && !live.contains(ValueID(index)) {
      graph.values[index].constant = nil
    }
    return graph
  }

  /// The first output always stays in place; the others are made only when read.
  private static let operatorsWithOptionalOutputs: Set<String> = [
    "BatchNormalization", "Dropout", "LayerNormalization", "MaxPool",
  ]
}
