/// Transposes that follow each other become one, as do `Reshape`, `Flatten`, `Squeeze` and `Unsqueeze`; what moves
/// nothing goes. Values that must survive are not read past.
enum MovementPattern {
  static func rewrite(_ rewriter: inout GraphRewriter) {
    var sources = Sources()
    for (index, node) in rewriter.matcher.graph.nodes.enumerated() where node.domain == .onnx {
      if node.op == "Transpose" {
        transpose(index, &sources, &rewriter)
      } else if reshaping.contains(node.op) {
        reshape(index, &sources, &rewriter)
      }
    }
  }

  /// Operators that give the same elements in the same order another shape.
  static let reshaping: Set<String> = ["Reshape", "Flatten", "Squeeze", "Unsqueeze"]

  /// Where the elements of moved values come from.
  private struct Sources {
    var same: [ValueID: ValueID] = [:]
    var reshaped: [ValueID: (source: ValueID, nodes: [Int])] = [:]
    var transposed: [ValueID: (source: ValueID, permutation: [Int], nodes: [Int])] = [:]

    func resolved(_ value: ValueID) -> ValueID { same[value] ?? value }
  }

  private static func transpose(_ index: Int, _ sources: inout Sources, _ rewriter: inout GraphRewriter) {
    let matcher = rewriter.matcher
    let node = matcher.node(index)
    guard let input = node.input(0).map(sources.resolved), let output = node.output(0),
      let rank = matcher.shape(input)?.count, let own = permutation(of: node, rank: rank)
    else { return }
    var (source, permutation, nodes) = (input, own, [index])
    if let earlier = sources.transposed[input], !matcher.mustSurvive(input) {
      source = earlier.source
      permutation = own.map { earlier.permutation[$0] }
      nodes = earlier.nodes + nodes
    }
    if permutation == Array(0..<rank), !matcher.mustSurvive(output) {
      sources.same[output] = source
      if nodes.count > 1 { rewriter.record(.movement, nodes, result: source) }
      return rewriter.forget(index, reading: source)
    }
    sources.transposed[output] = (source, permutation, nodes)
    guard nodes.count > 1 else { return }
    rewriter.record(.movement, nodes, result: output)
    rewriter.replace(
      [index],
      by: [
        Node(
          name: node.name, op: "Transpose", opset: 13, inputs: [source], outputs: [output],
          attributes: ["perm": .ints(permutation.map { Int64($0) })])
      ])
  }

  private static func reshape(_ index: Int, _ sources: inout Sources, _ rewriter: inout GraphRewriter) {
    let matcher = rewriter.matcher
    let node = matcher.node(index)
    guard let input = node.input(0).map(sources.resolved), let output = node.output(0),
      let shape = matcher.shape(output)
    else { return }
    var (source, nodes) = (input, [index])
    if let earlier = sources.reshaped[input], !matcher.mustSurvive(input) {
      source = earlier.source
      nodes = earlier.nodes + nodes
    }
    if matcher.shape(source) == shape, !matcher.mustSurvive(output) {
      sources.same[output] = source
      if nodes.count > 1 { rewriter.record(.movement, nodes, result: source) }
      return rewriter.forget(index, reading: source)
    }
    sources.reshaped[output] = (source, nodes)
    guard nodes.count > 1 else { return }
    rewriter.record(.movement, nodes, result: output)
    rewriter.replace([index], by: [rewriter.reshape(source, to: shape, named: node.name, output: output)])
  }

  /// The permutation of a `Transpose`, when it is one of `rank` axes.
  static func permutation(of node: Node, rank: Int) -> [Int]? {
    guard let given = node.ints("perm") else { return Array((0..<rank).reversed()) }
    let axes = given.map { $0 < 0 ? $0 &+ rank : $0 }
    return axes.sorted() == Array(0..<rank) ? axes : nil
  }
}

extension GraphRewriter {
  /// A `Reshape` to a fixed shape.
  mutating func reshape(_ input: ValueID, to shape: Shape, named name: String, output: ValueID) -> Node {
    let extents = add(constant: Tensor(shape.map { Int64($0) }, shape: [shape.count]), named: name + "/shape")
    // An extent of 0 means itself, not that of the input.
    let attributes: [String: Attribute] = shape.contains(0) ? ["allowzero": .int(1)] : [:]
    return Node(
      name: name, op: "Reshape", opset: 14, inputs: [input, extents], outputs: [output], attributes: attributes)
  }
}
