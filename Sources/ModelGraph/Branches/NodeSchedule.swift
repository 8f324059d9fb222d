/// The nodes of trunk and branches in one order: a node of a branch right after the last trunk node that it needs, so
/// that side outputs come as early as they can.
///
/// The trunk keeps its order, except that what branches need of ``Graph/weightlessValues()`` moves to the front: models
/// sum up masks at their ends, where they pool.
struct NodeSchedule {
  let nodes: [Node]

  /// O(nodes log nodes).
  init(trunk: Graph, branches: [Node]) {
    var place: [ValueID: Int] = [:]
    var keys: [(place: Int, isBranch: Bool, node: Node)] = []
    let movable = Self.weightlessNodes(of: trunk, neededBy: branches)
    func latest(_ node: Node) -> Int { node.inputs.lazy.compactMap { $0.flatMap { place[$0] } }.max() ?? -1 }
    for (index, node) in trunk.nodes.enumerated() {
      let position = movable.contains(index) ? latest(node) : index
      for case let output? in node.outputs { place[output] = position }
      keys.append((position, false, node))
    }
    for node in branches {
      let position = latest(node)
      for case let output? in node.outputs { place[output] = position }
      keys.append((position, true, node))
    }
    // Stable: nodes of one place keep their order, those of the trunk first.
    nodes = keys.enumerated().sorted { left, right in
      let (a, b) = (left.element, right.element)
      if a.place != b.place { return a.place < b.place }
      if a.isBranch != b.isBranch { return b.isBranch }
      return left.offset < right.offset
    }.map(\.element.node)
  }

  /// The indices of trunk nodes that branches depend on and that need no weights.
  private static func weightlessNodes(of trunk: Graph, neededBy branches: [Node]) -> Set<Int> {
    let weightless = trunk.weightlessValues()
    let producers = trunk.producers()
    var found: Set<Int> = []
    var wanted = branches.flatMap { $0.inputs.compactMap { $0 } }
    while let value = wanted.popLast() {
      guard weightless.contains(value), let producer = producers[value] else { continue }
      if found.insert(producer).inserted { wanted += trunk.nodes[producer].inputs.compactMap { $0 } }
    }
    return found
  }
}
