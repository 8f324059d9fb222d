/// Activations written out in arithmetic become one node: `Gelu`, `HardSwish`, `HardSigmoid` of ONNX, or
/// ``FusedOperator/activation``.
///
/// Each is recognised by the function in its middle, y = f(argument of x), and by the polynomial of x and y that the
/// result is; so the order of operands and factors does not matter.
enum ActivationPattern {
  /// How an activation is written.
  private struct Formula: Sendable {
    /// What f is.
    let function: @Sendable (Node, Graph) -> Bool
    let argument: Polynomial
    let result: Polynomial
    let kind: Activation.Kind
  }

  private static let x = Polynomial.x
  private static let y = Polynomial.y

  private static let formulas: [Formula] = [
    Formula(function: named("Erf"), argument: 0.5.squareRoot() * x, result: 0.5 * x + 0.5 * x * y, kind: .gelu),
    Formula(
      function: named("Tanh"), argument: (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x),
      result: 0.5 * x + 0.5 * x * y, kind: .geluTanh),
    Formula(function: named("Sigmoid"), argument: x, result: x * y, kind: .silu),
    Formula(
      function: { Activation($0, in: $1).map { isSixth($0) } ?? false }, argument: x, result: x * y, kind: .hardSwish),
    Formula(function: clipsToSix, argument: x + .constant(3), result: 1 / 6 * x * y, kind: .hardSwish),
  ]

  private static let hardSigmoid = Formula(
    function: clipsToSix, argument: x + .constant(3), result: 1 / 6 * y, kind: .hardSigmoid)

  private static func named(_ op: String) -> @Sendable (Node, Graph) -> Bool {
    { node, _ in node.domain == .onnx && node.op == op }
  }

  private static func isSixth(_ activation: Activation) -> Bool {
    activation.kind == .hardSigmoid && PatternMatcher.isClose(Double(activation.alpha), to: 1 / 6)
      && PatternMatcher.isClose(Double(activation.beta), to: 0.5)
  }

  private static func clipsToSix(_ node: Node, _ graph: Graph) -> Bool {
    Activation(node, in: graph) == Activation(.clip, alpha: 0, beta: 6)
  }

  // MARK: Rewriting

  static func rewrite(_ rewriter: inout GraphRewriter) {
    for index in rewriter.matcher.graph.nodes.indices {
      let node = rewriter.matcher.node(index)
      for formula in formulas where formula.function(node, rewriter.matcher.graph) {
        if apply(formula, at: index, &rewriter, keepsShape: sameType) { break }
      }
    }
  }

  /// Only `HardSigmoid`.
  static func rewriteHardSigmoid(_ rewriter: inout GraphRewriter) {
    rewriteHardSigmoid(&rewriter, keepsShape: sameType)
  }

  private static func sameType(_ matcher: PatternMatcher, _ x: ValueID, _ result: ValueID) -> Bool {
    matcher.isComputable(result) && matcher.shape(x) == matcher.shape(result)
  }

  /// Only `HardSigmoid`, before a product takes its sum; shapes need not be known.
  static func rewriteHardSigmoid(_ rewriter: inout GraphRewriter, ranks: CertainRanks) {
    rewriteHardSigmoid(&rewriter) { _, x, result in ranks[x] != nil && ranks[x] == ranks[result] }
  }

  private static func rewriteHardSigmoid(
    _ rewriter: inout GraphRewriter, keepsShape: (PatternMatcher, ValueID, ValueID) -> Bool
  ) {
    for index in rewriter.matcher.graph.nodes.indices {
      guard clipsToSix(rewriter.matcher.node(index), rewriter.matcher.graph) else { continue }
      _ = apply(hardSigmoid, at: index, &rewriter, keepsShape: keepsShape)
    }
  }

  // MARK: Matching

  private static func apply(
    _ formula: Formula, at index: Int, _ rewriter: inout GraphRewriter,
    keepsShape: (PatternMatcher, ValueID, ValueID) -> Bool
  ) -> Bool {
    let matcher = rewriter.matcher
    guard let y = matcher.node(index).output(0) else { return false }
    let tolerance = matcher.graph[y].type == .float16 ? 1e-3 : 1e-4
    for x in candidates(for: matcher.node(index).input(0), matcher) {
      var inner: Set<Int> = [index]
      guard let argument = matcher.polynomial(matcher.node(index).input(0), x: x, nodes: &inner),
        argument.isClose(to: formula.argument, tolerance: tolerance),
        let (root, nodes) = result(of: formula, x: x, y: y, tolerance: tolerance, matcher)
      else { continue }
      let all = inner.union(nodes)
      guard let result = matcher.node(root).output(0), matcher.isClosed(all, root: root), rewriter.isFree(all),
        keepsShape(matcher, x, result)
      else { continue }
      rewriter.replace(all, by: [node(formula.kind, of: x, named: matcher.node(root).name, result)], kind: .activation)
      return true
    }
    return false
  }

  /// The values that the argument may be a polynomial of, nearest first.
  private static func candidates(for argument: ValueID?, _ matcher: PatternMatcher) -> [ValueID] {
    var found: [ValueID] = argument.map { [$0] } ?? []
    var next = 0
    while next < found.count, found.count < 16 {
      if let index = matcher.producer(of: found[next], PatternMatcher.arithmetic) {
        for case let input? in matcher.node(index).inputs where matcher.graph.constant(input) == nil {
          if !found.contains(input) { found.append(input) }
        }
      }
      next += 1
    }
    return found
  }

  /// The last node of the formula, downstream from y, and the nodes from y to it.
  private static func result(
    of formula: Formula, x: ValueID, y: ValueID, tolerance: Double, _ matcher: PatternMatcher
  ) -> (root: Int, nodes: Set<Int>)? {
    var value = y
    for _ in 0..<5 {
      guard let reader = matcher.soleReader(of: value, PatternMatcher.arithmetic),
        let next = matcher.node(reader).output(0)
      else { return nil }
      var nodes: Set<Int> = []
      if let result = matcher.polynomial(next, x: x, y: y, nodes: &nodes),
        result.isClose(to: formula.result, tolerance: tolerance)
      {
        return (reader, nodes)
      }
      value = next
    }
    return nil
  }

  private static func node(_ kind: Activation.Kind, of x: ValueID, named name: String, _ result: ValueID) -> Node {
    switch kind {
    case .gelu: Node(name: name, op: "Gelu", opset: 20, inputs: [x], outputs: [result])
    case .geluTanh:
      Node(
        name: name, op: "Gelu", opset: 20, inputs: [x], outputs: [result], attributes: ["approximate": .string("tanh")])
    case .hardSwish: Node(name: name, op: "HardSwish", opset: 14, inputs: [x], outputs: [result])
    case .hardSigmoid:
      Node(
        name: name, op: "HardSigmoid", opset: 6, inputs: [x], outputs: [result],
        attributes: ["alpha": .float(1 / 6), "beta": .float(0.5)])
    default:
      Node.fused(
        .activation, named: name, inputs: [x], outputs: [result], attributes: Activation(kind).attributes)
    }
  }
}
