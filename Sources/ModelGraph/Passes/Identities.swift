extension Graph {
  /// Removes nodes whose result is their first operand: `Identity`, `Dropout` at inference, casts to the same type,
  /// movements that move nothing, sums of one operand. Graph outputs keep their identities and names. O(nodes).
  ///
  /// Movements count only where the shapes before and after are fixed and no input has symbolic extents, since shapes
  /// declared in a file may hold for one batch size only.
  public func removingIdentities() -> Graph {
    var graph = self
    let trustsShapes = inputs.allSatisfy { self[$0].fixedShape != nil }
    let graphOutputs = Set(outputs)
    let graphInputs = Set(inputs)
    let read = Set(nodes.flatMap { $0.inputs.compactMap { $0 } }).union(graphOutputs)
    var replacement: [ValueID: ValueID] = [:]
    var kept: [Node] = []
    var producer: [ValueID: Int] = [:]
    for var node in nodes {
      node.inputs = node.inputs.map { input in input.map { replacement[$0] ?? $0 } }
      let others = node.outputs.dropFirst().contains { $0.map(read.contains) ?? false }
      guard !others, let input = node.input(0), let output = node.output(0),
        graph.passesThrough(node, input: input, output: output, trustsShapes: trustsShapes)
      else {
        for case let output? in node.outputs { producer[output] = kept.count }
        kept.append(node)
        continue
      }
      if !graphOutputs.contains(output) {
        replacement[output] = input
      } else if let index = producer[input], !graphOutputs.contains(input), !graphInputs.contains(input) {
        // The output's name wins: whatever made the operand now makes the output.
        kept[index].outputs = kept[index].outputs.map { $0 == input ? output : $0 }
        producer[output] = index
        producer[input] = nil
        for later in kept.indices.dropFirst(index + 1) {
          kept[later].inputs = kept[later].inputs.map { $0 == input ? output : $0 }
        }
        for (old, new) in replacement where new == input { replacement[old] = output }
        replacement[input] = output
      } else {
        producer[output] = kept.count
        kept.append(node)
      }
    }
    graph.nodes = kept
    return graph
  }

  /// Whether the node's first output equals its first input, element by element and in shape.
  private func passesThrough(_ node: Node, input: ValueID, output: ValueID, trustsShapes: Bool) -> Bool {
    guard node.domain == .onnx else { return false }
    func sameShape() -> Bool {
      guard trustsShapes, let shape = self[input].fixedShape else { return false }
      return shape == self[output].fixedShape
    }
    switch node.op {
    case "Identity": return true
    case "Dropout": return isInference(node)
    case "Sum", "Mean", "Max", "Min", "Concat": return node.inputs.count == 1
    case "Cast", "CastLike": return self[input].type != nil && self[input].type == self[output].type
    case "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile": return sameShape()
    case "Slice": return sameShape() && (try? SliceGeometry(of: node, in: self))?.steps.allSatisfy { $0 > 0 } == true
    case "Pad": return sameShape() && (try? PadGeometry(of: node, in: self))?.begins.allSatisfy { $0 == 0 } == true
    case "Transpose": return node.ints("perm").map { $0 == Array($0.indices) } ?? false
    default: return false
    }
  }

  private func isInference(_ node: Node) -> Bool {
    guard node.opset >= 12, node.input(2) != nil else { return true }
    guard let training = constant(node.input(2)), training.elementCount == 1 else { return false }
    if training.integers[0] == 0 { return true }
    guard let ratio = constant(node.input(1)), ratio.elementCount == 1 else { return false }
    return ratio.floats[0] == 0
  }
}
