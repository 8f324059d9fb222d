/// A value that separates everything before it from everything after it: a place for a ramp.
public struct CutVertex: Sendable, Hashable {
  public let value: ValueID
  public let name: String
  /// The index of the node that makes the value.
  public let node: Int
  /// Operations of the nodes up to and including ``node``.
  public let cumulativeFLOPs: Int
  /// ``cumulativeFLOPs`` as a share of the whole graph's, 0 to 1.
  public let flopShare: Double
}

extension Graph {
  /// The cut vertices of a specialised graph, from input to output: values such that no data edge starts before them
  /// and ends after them. A graph output is an edge to the end; outputs themselves are not listed.
  ///
  /// What counts as an edge: values that are *learnt from the input*. Neither
  /// - constants, and what nodes compute from constants alone, nor
  /// - *light* values count: graph inputs, and what element-wise operators and movements make of light values and
  ///   constants. So `attention_mask`, cast and scaled and read by every layer, crosses no cut, while everything from
  ///   the first embedding look-up, convolution or product on does.
  ///
  /// Cut vertices in a row with nothing but element-wise operators, normalisation and movements between them (a sum and
  /// the ReLU after it) are one place as long as no element is lost: the last of them stands for all.
  ///
  /// Complexity: O(nodes + edges). Source: paper §3.1, ramps sit where all data flow has converged.
  public func cutVertices() -> [CutVertex] {
    let carriesData = valuesThatCarryData()
    let lastUse = lastUses()
    var cuts: [(value: ValueID, node: Int)] = []
    var reach = -1
    for (index, node) in nodes.enumerated() {
      let data = node.outputs.compactMap { $0 }.filter { carriesData.contains($0) && lastUse[$0] != nil }
      if data.count == 1, let value = data.first, reach <= index, lastUse[value] != nodes.count {
        cuts.append((value, index))
      }
      for value in data { reach = max(reach, lastUse[value] ?? -1) }
    }
    return describe(keepingLastOfRuns(cuts))
  }

  /// For each value that is read, the index of its last reader; `nodes.count` for graph outputs.
  private func lastUses() -> [ValueID: Int] {
    var result: [ValueID: Int] = [:]
    for (index, node) in nodes.enumerated() { for case let input? in node.inputs { result[input] = index } }
    for output in outputs { result[output] = nodes.count }
    return result
  }

  /// The values whose edges count.
  private func valuesThatCarryData() -> Set<ValueID> {
    var data: Set<ValueID> = []
    var light = Set(inputs.filter { self[$0].constant == nil })
    for node in nodes {
      let operands = node.inputs.compactMap { $0 }
      let carries = operands.contains(where: data.contains)
      guard carries || operands.contains(where: light.contains) else { continue }  // of constants alone
      if carries || !Self.isCheap(node) || node.op == "Gather" && !light.contains(operands[0]) {
        data.formUnion(node.outputs.compactMap { $0 })
      } else {
        light.formUnion(node.outputs.compactMap { $0 })
      }
    }
    return data
  }

  /// Of cut vertices of one size with only cheap nodes between them, the last.
  private func keepingLastOfRuns(_ cuts: [(value: ValueID, node: Int)]) -> [(value: ValueID, node: Int)] {
    cuts.indices.filter { position in
      guard position + 1 < cuts.count else { return true }
      guard
        self[cuts[position].value].fixedShape?.elementCount == self[cuts[position + 1].value].fixedShape?.elementCount
      else { return true }
      let between = nodes[(cuts[position].node + 1)...cuts[position + 1].node]
      return between.contains { !Self.isCheap($0) && !Self.normalizations.contains($0.op) }
    }.map { cuts[$0] }
  }

  private func describe(_ cuts: [(value: ValueID, node: Int)]) -> [CutVertex] {
    var sums: [Int] = []
    for cost in nodeCosts() { sums.append(cost.flops.addingSaturated(sums.last ?? 0)) }
    let total = max(1, sums.last ?? 1)
    return cuts.map { value, node in
      CutVertex(
        value: value, name: self[value].name, node: node, cumulativeFLOPs: sums[node],
        flopShare: Double(sums[node]) / Double(total))
    }
  }

  /// Element-wise operators and movements: they bring nothing that was learnt, but for scales and slopes.
  private static func isCheap(_ node: Node) -> Bool {
    node.domain == .microsoft && MicrosoftRules.rules[node.op] != nil
      || node.domain == .onnx
        && (ElementwiseRules.rules[node.op] != nil || MovementRules.rules[node.op] != nil
          || IndexingRules.rules[node.op] != nil || node.op == "CumSum")
  }

  private static let normalizations: Set<String> = Set(NormalizationRules.rules.keys)
}
