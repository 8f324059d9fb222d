/// What keeps a value between two numbers: min(max(x, lower), upper).
struct Bounds {
  /// -∞ when there is none.
  let lower: Double
  /// ∞ when there is none.
  let upper: Double

  private init?(_ lower: Double, _ upper: Double) {
    guard lower <= upper else { return nil }
    self.lower = lower
    self.upper = upper
  }

  /// A `Clip` with attributes (before opset 11) or constant operands.
  init?(clip node: Node, in graph: Graph) {
    func bound(_ attribute: String, _ position: Int, _ absent: Double) -> Double? {
      if node.opset < 11 { return node.float(attribute).map { Double($0) } ?? absent }
      guard let input = node.input(position) else { return absent }
      guard let constant = graph.constant(input), constant.elementCount == 1 else { return nil }
      return Lanes(constant).doubles[0]
    }
    guard let lower = bound("min", 1, -.infinity), let upper = bound("max", 2, .infinity) else { return nil }
    self.init(lower, upper)
  }

  /// `Relu`, `Clip`, or `Max` or `Min` of a value and a number.
  fileprivate init?(_ index: Int, _ matcher: PatternMatcher) {
    let node = matcher.node(index)
    guard node.domain == .onnx else { return nil }
    switch node.op {
    case "Relu": self.init(0, .infinity)
    case "Clip": self.init(clip: node, in: matcher.graph)
    case "Max": self.init(Self.number(node, matcher) ?? .nan, .infinity)
    case "Min": self.init(-.infinity, Self.number(node, matcher) ?? .nan)
    default: return nil
    }
  }

  private static func number(_ node: Node, _ matcher: PatternMatcher) -> Double? {
    matcher.operandOrders(of: node).lazy.compactMap { matcher.scalar($1) }.first
  }

  /// These bounds, then others.
  func then(_ next: Bounds) -> Bounds? {
    Bounds(min(max(lower, next.lower), next.upper), min(max(upper, next.lower), next.upper))
  }

  /// The activation with these bounds; `nil` when one is missing, but for ReLU.
  var activation: Activation? {
    if lower == 0, upper >= Double(Float.greatestFiniteMagnitude) { return Activation(.relu) }
    guard lower.isFinite, upper.isFinite else { return nil }
    return Activation(.clip, alpha: Float(lower), beta: Float(upper))
  }
}

/// Minima and maxima with numbers that follow each other become one `Clip` or `Relu`.
enum BoundsPattern {
  static func rewrite(_ rewriter: inout GraphRewriter) {
    let matcher = rewriter.matcher
    for index in matcher.graph.nodes.indices where rewriter.isFree([index]) {
      guard var bounds = Bounds(index, matcher), let input = bounded(index, matcher) else { continue }
      var chain = [index]
      while let reader = matcher.soleReader(of: matcher.node(chain[chain.count - 1]).output(0)),
        let next = Bounds(reader, matcher), bounded(reader, matcher) != nil, let both = bounds.then(next)
      {
        bounds = both
        chain.append(reader)
      }
      let last = matcher.node(chain[chain.count - 1])
      guard chain.count > 1 || ["Max", "Min"].contains(last.op) && bounds.activation?.kind == .relu else { continue }
      rewriter.replace(chain, by: [node(bounds, of: input, like: last)], kind: .bounds)
    }
  }

  /// The value that a node bounds, when its result has the shape of it.
  private static func bounded(_ index: Int, _ matcher: PatternMatcher) -> ValueID? {
    let node = matcher.node(index)
    guard let result = node.output(0), matcher.isComputable(result),
      let input = node.inputs.compactMap({ $0 }).first(where: { matcher.graph.constant($0) == nil }),
      let shape = matcher.shape(result), matcher.shape(input) == shape
    else { return nil }
    return input
  }

  /// A `Clip` in the form of opset 6, whose bounds are attributes.
  private static func node(_ bounds: Bounds, of input: ValueID, like last: Node) -> Node {
    if bounds.activation?.kind == .relu {
      return Node(name: last.name, op: "Relu", inputs: [input], outputs: last.outputs)
    }
    var attributes: [String: Attribute] = [:]
    if bounds.lower > -.infinity { attributes["min"] = .float(Float(bounds.lower)) }
    if bounds.upper < .infinity { attributes["max"] = .float(Float(bounds.upper)) }
    return Node(
      name: last.name, op: "Clip", opset: 6, inputs: [input], outputs: last.outputs, attributes: attributes)
  }
}
