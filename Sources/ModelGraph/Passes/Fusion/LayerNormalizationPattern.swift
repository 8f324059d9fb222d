/// Layer normalisation written out becomes `LayerNormalization` of opset 17.
///
/// Known spellings, all with d = x − mean(x) and r = 1 / √(mean(d²) + ε): `d / √…`, `d · r` with `Reciprocal` or
/// `1 / √…`, and Keras' `x · (r · γ) + (β − mean · (r · γ))`; `d²` as `Pow` or `Mul`; γ and β may be absent; casts between
/// single and half precision may stand anywhere.
enum LayerNormalizationPattern {
  static func rewrite(_ rewriter: inout GraphRewriter) {
    for index in rewriter.matcher.graph.nodes.indices {
      guard var match = Match(root: index, rewriter.matcher), rewriter.isFree(match.nodes),
        let node = match.node(&rewriter)
      else { continue }
      rewriter.replace(match.nodes, by: [node], kind: .layerNormalization)
    }
  }
}

private struct Match {
  private let matcher: PatternMatcher
  private(set) var nodes: Set<Int> = []
  private var x: ValueID
  private var deviation: Set<ValueID> = []
  private var mean: ValueID
  private let normalized: Shape
  private let epsilon: Float
  private var gamma: ValueID?
  private var beta: ValueID?
  private var result: ValueID
  private var resultNode: Int

  /// - Parameter root: the index of the `Sqrt` in the middle.
  init?(root: Int, _ matcher: PatternMatcher) {
    self.matcher = matcher
    let node = matcher.node(root)
    guard node.domain == .onnx, node.op == "Sqrt", let deviationRoot = node.output(0) else { return nil }
    var path = Path(matcher)
    path.nodes = [root]
    // Backwards: √(mean(d²) + ε).
    guard let sum = path.producer(of: node.input(0), ["Add"]),
      let (variance, number) = matcher.operandOrders(of: sum).first(where: { matcher.scalar($0.1) != nil }),
      let epsilon = matcher.scalar(number), epsilon >= 0,
      let mean = path.producer(of: variance, ["ReduceMean"]), let normalized = Match.normalized(mean, matcher),
      let square = path.producer(of: mean.input(0), ["Pow", "Mul"]), let base = Match.base(of: square, matcher),
      let d = path.skippingCasts(base), let difference = path.producer(of: d, ["Sub"]),
      let x = difference.input(0), let meanOfX = difference.input(1),
      let inner = path.producer(of: meanOfX, ["ReduceMean"]), Match.normalized(inner, matcher) == normalized,
      path.same(inner.input(0), x)
    else { return nil }
    self.x = x
    self.mean = meanOfX
    self.normalized = normalized
    self.epsilon = Float(epsilon)
    result = deviationRoot
    resultNode = root
    nodes = path.nodes
    deviation = [d]
    // Exporters that do not share subexpressions subtract twice.
    for reader in matcher.readers(of: x) {
      let other = matcher.node(reader)
      if other.domain == .onnx, other.op == "Sub", other.inputs == difference.inputs, let output = other.output(0) {
        deviation.insert(output)
        nodes.insert(reader)
      }
    }
    guard follow(deviationRoot) else { return nil }
    chooseInput()
    guard matcher.isComputable(result), matcher.graph[self.x].type == matcher.graph[result].type,
      matcher.shape(self.x) == matcher.shape(result), matcher.isClosed(nodes, root: resultNode)
    else { return nil }
  }

  // MARK: Backwards

  /// The trailing extents that a mean goes over, keeping its axes.
  private static func normalized(_ node: Node, _ matcher: PatternMatcher) -> Shape? {
    guard let reduction = try? ReduceAxes(of: node, in: matcher.graph), reduction.keepsDimensions,
      let first = reduction.axes.first, reduction.axes == Array(first..<reduction.inputShape.count)
    else { return nil }
    return Array(reduction.inputShape[first...])
  }

  /// What is squared.
  private static func base(of node: Node, _ matcher: PatternMatcher) -> ValueID? {
    if node.op == "Pow" { return matcher.scalar(node.input(1)) == 2 ? node.input(0) : nil }
    return node.input(0) == node.input(1) ? node.input(0) : nil
  }

  // MARK: Forwards

  /// From √… to the end.
  private mutating func follow(_ root: ValueID) -> Bool {
    guard let (reader, value) = reader(of: root) else { return false }
    let node = matcher.node(reader)
    var inverse: ValueID?
    if node.op == "Div", node.input(1) == value {
      if matcher.scalar(node.input(0)) == 1 {
        inverse = node.output(0)
      } else if !isDeviation(node.input(0)) {
        return false
      }
    } else if node.op == "Reciprocal" {
      inverse = node.output(0)
    } else {
      return false
    }
    advance(to: reader)
    if let inverse {
      guard let (product, value) = self.reader(of: inverse), matcher.node(product).op == "Mul",
        let other = other(matcher.node(product), than: value)
      else { return false }
      if !isDeviation(other) { return followKeras(product, gamma: other) }
      advance(to: product)
    }
    followWeights()
    return true
  }

  /// γ and β, when they are there; a cast before them.
  private mutating func followWeights() {
    let end = (result, resultNode, nodes)
    if let cast = matcher.soleReader(of: result, ["Cast"]), matcher.isComputable(matcher.node(cast).output(0)) {
      advance(to: cast)
    }
    if let product = matcher.soleReader(of: result, ["Mul"]),
      let factor = other(matcher.node(product), than: result), isWeight(factor, of: product)
    {
      gamma = factor
      advance(to: product)
    } else if matcher.graph[result].type != matcher.graph[x].type {
      (result, resultNode, nodes) = end
    }
    if let sum = matcher.soleReader(of: result, ["Add"]), let term = other(matcher.node(sum), than: result),
      isWeight(term, of: sum)
    {
      beta = term
      advance(to: sum)
    }
  }

  /// x · g + (β − mean · g) with g = r · γ.
  private mutating func followKeras(_ product: Int, gamma factor: ValueID) -> Bool {
    guard let g = matcher.node(product).output(0), !matcher.mustSurvive(g) else { return false }
    let readers = matcher.readers(of: g)
    guard readers.count == 2, isWeight(factor, of: nil) else { return false }
    for (first, second) in [(readers[0], readers[1]), (readers[1], readers[0])] {
      guard matcher.node(first).op == "Mul", other(matcher.node(first), than: g) == x,
        matcher.node(second).op == "Mul", other(matcher.node(second), than: g) == mean,
        let difference = matcher.soleReader(of: matcher.node(second).output(0), ["Sub"]),
        matcher.node(difference).input(1) == matcher.node(second).output(0),
        let term = matcher.node(difference).input(0), isWeight(term, of: nil),
        let sum = matcher.soleReader(of: matcher.node(first).output(0), ["Add"]),
        matcher.soleReader(of: matcher.node(difference).output(0)) == sum
      else { continue }
      gamma = factor
      beta = term
      nodes.formUnion([product, first, second, difference])
      advance(to: sum)
      return true
    }
    return false
  }

  private mutating func advance(to index: Int) {
    nodes.insert(index)
    resultNode = index
    if let output = matcher.node(index).output(0) { result = output }
  }

  /// The one node that reads a value, past casts, and what it reads.
  private mutating func reader(of value: ValueID) -> (Int, ValueID)? {
    var value = value
    while let index = matcher.soleReader(of: value) {
      let node = matcher.node(index)
      guard node.domain == .onnx else { return nil }
      guard node.op == "Cast", matcher.isComputable(node.output(0)), let output = node.output(0) else {
        return (index, value)
      }
      nodes.insert(index)
      value = output
    }
    return nil
  }

  private func other(_ node: Node, than value: ValueID) -> ValueID? {
    matcher.operandOrders(of: node).first { $0.0 == value }?.1
  }

  private mutating func isDeviation(_ value: ValueID?) -> Bool {
    var path = Path(matcher)
    guard let source = path.skippingCasts(value), deviation.contains(source) else { return false }
    nodes.formUnion(path.nodes)
    return true
  }

  /// Whether a value can be γ or β: it varies over the normalised axes only.
  private func isWeight(_ value: ValueID, of node: Int?) -> Bool {
    guard let shape = matcher.shape(value) else { return false }
    if let node, matcher.shape(matcher.node(node).output(0)) != matcher.shape(x) { return false }
    let extents = Array(shape.drop { $0 == 1 })
    guard extents.count <= normalized.count, Shape.broadcast(extents, normalized) == normalized else { return false }
    return shape.count <= normalized.count || matcher.graph.constant(value) != nil
  }

  /// When x was cast only to be normalised in single precision, what was cast is normalised.
  private mutating func chooseInput() {
    guard matcher.graph[x].type != matcher.graph[result].type, let cast = matcher.producer(of: x, ["Cast"]),
      let source = matcher.node(cast).input(0), matcher.graph[source].type == matcher.graph[result].type
    else { return }
    if !matcher.mustSurvive(x), matcher.readers(of: x).allSatisfy(nodes.contains) { nodes.insert(cast) }
    x = source
  }

  // MARK: Result

  mutating func node(_ rewriter: inout GraphRewriter) -> Node? {
    let name = matcher.node(resultNode).name
    guard let type = matcher.graph[result].type,
      [gamma, beta].compactMap({ $0 }).allSatisfy({ matcher.graph[$0].type == type })
    else { return nil }
    let ones = { [normalized] (rewriter: inout GraphRewriter) in
      let tensor = Tensor([Double](repeating: 1, count: normalized.elementCount), as: type)
      return rewriter.add(constant: tensor.reshaped(to: normalized), named: name + "/scale")
    }
    var inputs = [x, gamma.map { weight($0, &rewriter) } ?? ones(&rewriter)]
    if let beta { inputs.append(weight(beta, &rewriter)) }
    return Node(
      name: name, op: "LayerNormalization", opset: 17, inputs: inputs, outputs: [result],
      attributes: ["axis": .int(Int64(-normalized.count)), "epsilon": .float(epsilon)])
  }

  /// A weight without leading extents of 1.
  private func weight(_ value: ValueID, _ rewriter: inout GraphRewriter) -> ValueID {
    guard let constant = matcher.graph.constant(value), constant.shape.count > normalized.count else { return value }
    return rewriter.add(
      constant: constant.reshaped(to: Array(constant.shape.suffix(normalized.count))),
      named: matcher.graph[value].name + "/vector")
  }
}

/// A walk against the edges that remembers the nodes it passed.
private struct Path {
  let matcher: PatternMatcher
  var nodes: Set<Int> = []

  init(_ matcher: PatternMatcher) { self.matcher = matcher }

  /// The source of a value, past casts between single and half precision.
  mutating func skippingCasts(_ value: ValueID?) -> ValueID? {
    var value = value
    while let index = matcher.producer(of: value, ["Cast"]), matcher.isComputable(value),
      matcher.isComputable(matcher.node(index).input(0))
    {
      nodes.insert(index)
      value = matcher.node(index).input(0)
    }
    return value
  }

  /// The node that makes a value, past casts, when it is one of these operators.
  mutating func producer(of value: ValueID?, _ ops: Set<String>) -> Node? {
    guard let index = matcher.producer(of: skippingCasts(value), ops) else { return nil }
    nodes.insert(index)
    return matcher.node(index)
  }

  /// Whether both values are the same but for casts; those of the first are passed.
  mutating func same(_ a: ValueID?, _ b: ValueID) -> Bool {
    if a == b { return true }
    var other = Path(matcher)
    return skippingCasts(a) == other.skippingCasts(b)
  }
}
