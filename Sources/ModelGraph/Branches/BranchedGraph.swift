/// A graph in two parts: the *trunk*, which its main outputs need, and *branches*, which only other outputs need.
///
/// Every pass sees the trunk alone, so that its nodes, and the bits that they compute, are those of a graph without
/// branches. Branches read values of the trunk; where a pass has done away with such a value, the branch computes it
/// anew from what is still there.
public struct BranchedGraph: Sendable {
  /// The main outputs and what they need. Its values are those of ``joined()``, so that one `ValueID` means the same in
  /// both.
  public let trunk: Graph
  /// What is computed besides. Inputs are the values of the trunk and the graph's inputs that it reads.
  private let branches: Graph
  /// The graph before any pass but constant folding: what lost values are computed from.
  private let source: Graph
  /// In the order of the graph's outputs.
  private let outputs: [ValueID]

  /// Whether there is nothing but the trunk.
  public var isTrunkOnly: Bool { outputs.count == trunk.outputs.count }

  /// - Parameters:
  ///   - graph: as imported, with its constants folded.
  ///   - sideOutputs: the outputs that may go uncomputed. The others are the main ones.
  public init(_ graph: Graph, sideOutputs: Set<ValueID>) {
    var trunk = graph
    trunk.outputs = graph.outputs.filter { !sideOutputs.contains($0) }
    trunk = trunk.removingDeadCode()
    let inTrunk = Set(trunk.nodes.flatMap { $0.outputs.compactMap { $0 } })
    var branches = graph
    branches.nodes = graph.nodes.filter { !$0.outputs.contains { $0.map(inTrunk.contains) ?? false } }
    branches.outputs = graph.outputs.filter(sideOutputs.contains)
    trunk.values = graph.values
    self.init(trunk: trunk, branches: branches, source: graph, outputs: graph.outputs)
  }

  private init(trunk: Graph, branches: Graph, source: Graph, outputs: [ValueID]) {
    self.trunk = trunk
    self.branches = branches
    self.source = source
    self.outputs = outputs
  }

  // MARK: Passes

  /// As ``Graph/optimizedAtLoad(keeping:)``, for both parts.
  public func optimizedAtLoad() -> (BranchedGraph, [FusionRecord]) {
    let (trunk, records) = self.trunk.optimizedAtLoad()
    guard !isTrunkOnly else {
      return (BranchedGraph(trunk: trunk, branches: trunk, source: source, outputs: outputs), records)
    }
    var branches = self.branches
    branches.values = Self.values(of: trunk, restoring: self.branches.values)
    branches.inputs = branches.operandsFromOutside()
    // What a file says of the shapes of values between nodes is not to be believed.
    for input in branches.inputs where !source.inputs.contains(input) { branches[input].shape = nil }
    let optimized = branches.optimizedAtLoad()
    branches = optimized.0
    branches.values = Self.values(of: branches, restoring: trunk.values)
    var wide = trunk
    wide.values = branches.values
    return (BranchedGraph(trunk: wide, branches: branches, source: source, outputs: outputs), records + optimized.1)
  }

  /// As ``Graph/specialized(inputShapes:inputValues:)`` and, if asked for, ``Graph/fused(keeping:)``, for both parts.
  public func specialized(
    inputShapes: [ValueID: Shape], inputValues: [ValueID: Tensor] = [:], fusing: Bool
  ) throws(GraphError) -> BranchedGraph {
    func fused(_ graph: Graph) -> Graph { fusing ? graph.fused().0 : graph }
    let trunk = fused(try self.trunk.specialized(inputShapes: inputShapes, inputValues: inputValues))
    guard !isTrunkOnly else {
      return BranchedGraph(trunk: trunk, branches: trunk, source: source, outputs: outputs)
    }
    var branches = self.branches
    branches.values = Self.values(of: trunk, restoring: self.branches.values)
    branches.nodes = nodesOfLostValues(in: trunk, constants: branches) + branches.nodes
    branches.inputs = branches.operandsFromOutside()
    branches = fused(try branches.specialized(inputShapes: [:]))
    branches.values = Self.values(of: branches, restoring: trunk.values)
    var wide = trunk
    wide.values = branches.values
    return BranchedGraph(trunk: wide, branches: branches, source: source, outputs: outputs)
  }

  /// The values of `graph` with the constants of `values`, for dead code takes those with it that only the other part
  /// reads.
  private static func values(of graph: Graph, restoring values: [Value]) -> [Value] {
    var result = graph.values
    for index in values.indices where values[index].constant != nil {
      if index >= result.count {
        result.append(contentsOf: values[index...])
        break
      }
      if result[index].constant == nil { result[index] = values[index] }
    }
    return result
  }

  /// The nodes of ``source`` that compute what the branches read of the trunk and `trunk` does not have any more.
  private func nodesOfLostValues(in trunk: Graph, constants: Graph) -> [Node] {
    var known = Set(trunk.inputs)
    for node in trunk.nodes + branches.nodes { known.formUnion(node.outputs.compactMap { $0 }) }
    let producers = source.producers()
    var lost: Set<Int> = []
    var wanted = branches.nodes.flatMap { $0.inputs.compactMap { $0 } } + branches.outputs
    while let value = wanted.popLast() {
      guard !known.contains(value), constants.constant(value) == nil, let producer = producers[value] else { continue }
      known.insert(value)
      if lost.insert(producer).inserted { wanted += source.nodes[producer].inputs.compactMap { $0 } }
    }
    return lost.sorted().map { index in
      var node = source.nodes[index]
      // What the trunk still computes is not computed under the same name again.
      node.outputs = node.outputs.map { $0.flatMap { isComputed($0, by: trunk) ? nil : $0 } }
      return node
    }
  }

  private func isComputed(_ value: ValueID, by trunk: Graph) -> Bool {
    trunk.nodes.contains { $0.outputs.contains(value) }
  }

  // MARK: Joining

  /// The whole graph, outputs in their old order. A branch comes as early as what it reads allows.
  public func joined() -> Graph {
    guard !isTrunkOnly else { return trunk }
    var graph = trunk
    graph.outputs = outputs
    graph.nodes = NodeSchedule(trunk: trunk, branches: branches.nodes).nodes
    return graph
  }
}

extension Graph {
  /// The values that nodes read, or that are outputs, and that nothing here computes. In ascending order.
  fileprivate func operandsFromOutside() -> [ValueID] {
    let made = Set(nodes.flatMap { $0.outputs.compactMap { $0 } })
    let read = Set(nodes.flatMap { $0.inputs.compactMap { $0 } } + outputs)
    return read.filter { constant($0) == nil && !made.contains($0) }.sorted()
  }
}
