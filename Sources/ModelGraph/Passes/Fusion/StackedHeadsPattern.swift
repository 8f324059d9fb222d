/// Queries, keys and values that lie in one value `[N, S, 3 · heads · d]` and are taken from it as a stack become three
/// values `[N, S, heads · d]` side by side, split where they lie.
///
/// The stack is `Reshape` to `[N, S, 3, heads, d]` and `Transpose` to `[3, N, heads, S, d]`; it is taken apart by `Gather`
/// with constant indices (PyTorch's `unbind` and indexing), or by `Split` and `Squeeze`. What replaces it is the form
/// that ``AttentionPattern`` knows.
enum StackedHeadsPattern {
  static func rewrite(_ rewriter: inout GraphRewriter) {
    for (index, node) in rewriter.matcher.graph.nodes.enumerated() where node.domain == .onnx && node.op == "Transpose"
    {
      guard let stack = Stack(transpose: index, rewriter.matcher), rewriter.isFree(stack.nodes) else { continue }
      stack.replace(&rewriter)
    }
  }

  private struct Stack {
    /// `[N, S, count, heads, d]`.
    let shape: Shape
    let source: ValueID
    let transpose: Int
    let reshape: Int
    /// By position in the stack, what is taken from it; the same one may be taken twice.
    let taken: [(position: Int, nodes: [Int], result: ValueID)]
    let split: Int?

    var nodes: [Int] { [transpose, reshape] + (split.map { [$0] } ?? []) + taken.flatMap(\.nodes) }

    init?(transpose index: Int, _ matcher: PatternMatcher) {
      let node = matcher.node(index)
      guard MovementPattern.permutation(of: node, rank: 5) == [2, 0, 3, 1, 4], let output = node.output(0),
        !matcher.mustSurvive(output), let reshape = matcher.producer(of: node.input(0), MovementPattern.reshaping),
        matcher.soleReader(of: node.input(0)) != nil, let shape = matcher.shape(node.input(0)), !shape.contains(0),
        let source = matcher.node(reshape).input(0),
        matcher.shape(source) == [shape[0], shape[1], shape[2] * shape[3] * shape[4]]
      else { return nil }
      self.shape = shape
      self.source = source
      self.reshape = reshape
      transpose = index
      if let split = matcher.soleReader(of: output, ["Split"]) {
        guard let taken = Self.pieces(split, count: shape[2], matcher) else { return nil }
        self.split = split
        self.taken = taken
      } else {
        guard let taken = Self.gathered(output, count: shape[2], matcher) else { return nil }
        split = nil
        self.taken = taken
      }
    }

    private static func gathered(
      _ value: ValueID, count: Int, _ matcher: PatternMatcher
    ) -> [(position: Int, nodes: [Int], result: ValueID)]? {
      var taken: [(position: Int, nodes: [Int], result: ValueID)] = []
      for reader in matcher.readers(of: value) {
        let node = matcher.node(reader)
        guard node.domain == .onnx, node.op == "Gather", node.input(0) == value, node.int("axis") ?? 0 == 0,
          let index = matcher.graph.constant(node.input(1)), index.shape.isEmpty, let result = node.output(0)
        else { return nil }
        let position = Int(index.integers[0])
        guard (-count..<count).contains(position) else { return nil }
        taken.append((position < 0 ? position + count : position, [reader], result))
      }
      return taken.isEmpty ? nil : taken
    }

    private static func pieces(
      _ split: Int, count: Int, _ matcher: PatternMatcher
    ) -> [(position: Int, nodes: [Int], result: ValueID)]? {
      let outputs = matcher.node(split).outputs
      guard matcher.node(split).int("axis") ?? 0 == 0, outputs.count == count else { return nil }
      var taken: [(position: Int, nodes: [Int], result: ValueID)] = []
      for (position, piece) in outputs.enumerated() {
        guard let piece, let reader = matcher.soleReader(of: piece, MovementPattern.reshaping),
          let result = matcher.node(reader).output(0), let whole = matcher.shape(piece), whole[0] == 1,
          matcher.shape(result) == Array(whole.dropFirst())
        else { return nil }
        taken.append((position, [reader], result))
      }
      return taken
    }

    func replace(_ rewriter: inout GraphRewriter) {
      let graph = rewriter.matcher.graph
      let name = rewriter.matcher.node(reshape).name
      let type = graph[source].type
      let (count, width) = (shape[2], shape[3] * shape[4])
      let pieces = (0..<count).map {
        rewriter.add(type: type, shape: [shape[0], shape[1], width], named: "\(name)/\($0)")
      }
      let extents = rewriter.add(
        constant: Tensor([Int64](repeating: Int64(width), count: count), shape: [count]), named: name + "/split")
      let splitNode = Node(
        name: name, op: "Split", opset: 13, inputs: [source, extents], outputs: pieces, attributes: ["axis": .int(2)])
      rewriter.record(.stackedHeads, nodes.sorted(), result: source)
      rewriter.replace([reshape], by: [splitNode])
      for index in [transpose] + (split.map { [$0] } ?? []) { rewriter.replace([index], by: []) }
      for (position, indices, result) in taken {
        let heads = rewriter.add(
          type: type, shape: [shape[0], shape[1], shape[3], shape[4]], named: graph[result].name + "/heads")
        let name = graph[result].name
        let reshape = rewriter.reshape(
          pieces[position], to: [shape[0], shape[1], shape[3], shape[4]], named: name + "/heads", output: heads)
        let transpose = Node(
          name: name, op: "Transpose", opset: 13, inputs: [heads], outputs: [result],
          attributes: ["perm": .ints([0, 2, 1, 3])])
        rewriter.replace(indices, by: [reshape, transpose])
      }
    }
  }
}
