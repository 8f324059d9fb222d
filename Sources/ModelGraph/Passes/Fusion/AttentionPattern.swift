/// Scaled dot-product attention over heads becomes ``FusedOperator/attention``.
///
/// From the `Softmax` in the middle: before it a product of queries and transposed keys, scaled anywhere by constants,
/// with masks added or, when they are constant, selected; after it the product with the values. Queries, keys and values
/// are `[N, S, heads, d]`, transposed to heads first; where they come from and what becomes of the result is one
/// `Reshape` each, or none.
enum AttentionPattern {
  static func rewrite(_ rewriter: inout GraphRewriter) {
    var masks = MaskCache()
    for (index, node) in rewriter.matcher.graph.nodes.enumerated() where node.domain == .onnx && node.op == "Softmax" {
      guard let attention = Attention(softmax: index, rewriter.matcher), rewriter.isFree(attention.nodes) else {
        continue
      }
      attention.replace(&rewriter, &masks)
    }
  }
}

/// One attention as found.
private struct Attention {
  let nodes: [Int]
  private let query: Heads
  private let key: Heads
  private let value: Heads
  private let scores: Scores
  /// The last node of the pattern.
  private let root: Int
  private let result: ValueID
  private let resultShape: Shape

  init?(softmax index: Int, _ matcher: PatternMatcher) {
    let softmax = matcher.node(index)
    guard let shape = matcher.shape(softmax.output(0)), shape.count == 4, !shape.contains(0),
      matcher.isComputable(softmax.output(0)), Self.isAlongLastAxis(softmax),
      let scores = Scores(of: softmax.input(0), softmaxShape: shape, matcher),
      let product = matcher.soleReader(of: softmax.output(0), ["MatMul"]),
      matcher.node(product).input(0) == softmax.output(0),
      let query = Heads(scores.query, order: [0, 2, 1, 3], matcher),
      let key = Heads(scores.key, order: [0, 2, 3, 1], matcher),
      let value = Heads(matcher.node(product).input(1), order: [0, 2, 1, 3], matcher),
      query.shape == [shape[0], shape[2], shape[1], query.shape[3]],
      key.shape == [shape[0], shape[3], shape[1], query.shape[3]], value.shape == key.shape,
      let transpose = matcher.soleReader(of: matcher.node(product).output(0), ["Transpose"]),
      MovementPattern.permutation(of: matcher.node(transpose), rank: 4) == [0, 2, 1, 3]
    else { return nil }
    var last = transpose
    if let reshape = matcher.soleReader(of: matcher.node(transpose).output(0), MovementPattern.reshaping) {
      last = reshape
    }
    guard let result = matcher.node(last).output(0), let resultShape = matcher.shape(result) else { return nil }
    // The scale of the values would be another one.
    guard value.factor == 1 else { return nil }
    self.query = query
    self.key = key
    self.value = value
    self.scores = scores
    self.result = result
    self.resultShape = resultShape
    root = last
    nodes = Set(
      [index, product, transpose, last] + scores.nodes + query.nodes + key.nodes + value.nodes
    ).sorted()
  }

  private static func isAlongLastAxis(_ softmax: Node) -> Bool {
    let axis = softmax.int("axis") ?? (softmax.opset >= 13 ? -1 : 1)
    return axis == -1 || axis == 3
  }

  func replace(_ rewriter: inout GraphRewriter, _ masks: inout MaskCache) {
    let name = rewriter.matcher.node(root).name
    var new: [Node] = []
    var inputs: [ValueID?] = []
    for (operand, part) in [(query, "query"), (key, "key"), (value, "value")] {
      inputs.append(operand.flattened(named: "\(name)/\(part)", &rewriter, &new))
    }
    if let mask = masks.mask(of: scores, named: name, &rewriter) { inputs.append(mask) }
    let heads = query.shape[2]
    let shape = [query.shape[0], query.shape[1], heads * query.shape[3]]
    let fits = resultShape == shape
    let output =
      fits ? result : rewriter.add(type: rewriter.matcher.graph[result].type, shape: shape, named: name + "/heads")
    new.append(
      .fused(
        .attention, named: name, inputs: inputs, outputs: [output],
        attributes: [
          "num_heads": .int(Int64(heads)), "scale": .float(Float(query.factor * key.factor * scores.factor)),
        ]))
    if !fits { new.append(rewriter.reshape(output, to: resultShape, named: name + "/reshape", output: result)) }
    rewriter.replace(nodes, by: new, kind: .attention)
  }
}
