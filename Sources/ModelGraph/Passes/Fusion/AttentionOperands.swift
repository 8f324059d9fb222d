/// Queries, keys or values as an attention reads them, followed back to where their heads lie side by side.
struct Heads {
  /// `[N, S, heads, d]`.
  let shape: Shape
  /// Row-major elements of that shape, whatever its own is.
  let source: ValueID
  /// The product of the constants that it is multiplied by on the way.
  let factor: Double
  /// What lies on the way, and is read by nothing else.
  let nodes: [Int]

  /// - Parameter order: where the axes of the operand lie in `[N, S, heads, d]`.
  init?(_ operand: ValueID?, order: [Int], _ matcher: PatternMatcher) {
    guard var value = operand else { return nil }
    var permutation = [0, 1, 2, 3]
    var factor = 1.0
    var nodes: [Int] = []
    var shape: Shape?
    while let index = matcher.producer(of: value), matcher.soleReader(of: value) != nil {
      let node = matcher.node(index)
      guard node.domain == .onnx else { break }
      if let scaling = matcher.scaling(index) {
        factor *= scaling.factor
        value = scaling.input
      } else if shape == nil, node.op == "Transpose", let input = node.input(0),
        let own = MovementPattern.permutation(of: node, rank: 4)
      {
        permutation = permutation.map { own[$0] }
        value = input
      } else if shape == nil, permutation == order, MovementPattern.reshaping.contains(node.op),
        let input = node.input(0), let four = matcher.shape(value), matcher.shape(input) != nil
      {
        shape = four
        value = input
      } else {
        break
      }
      nodes.append(index)
    }
    guard permutation == order, let found = shape ?? matcher.shape(value), found.count == 4, !found.contains(0) else {
      return nil
    }
    self.shape = found
    self.factor = factor
    self.nodes = nodes
    source = value
  }

  /// The value `[N, S, heads · d]`; a `Reshape` is added to `new` when the source has another shape.
  func flattened(named name: String, _ rewriter: inout GraphRewriter, _ new: inout [Node]) -> ValueID {
    let flat = [shape[0], shape[1], shape[2] * shape[3]]
    guard rewriter.matcher.shape(source) != flat else { return source }
    let value = rewriter.add(type: rewriter.matcher.graph[source].type, shape: flat, named: name)
    new.append(rewriter.reshape(source, to: flat, named: name, output: value))
    return value
  }
}

/// What a softmax over `[N, heads, Sq, Sk]` is taken of: a product of queries and keys, scaled and masked.
struct Scores {
  /// A mask in front of the softmax.
  enum Mask: Sendable {
    /// Added; broadcasts to the scores.
    case added(ValueID)
    /// Where `condition` is true the scores are kept, elsewhere they are `fill`.
    case selected(condition: ValueID, keeps: Bool, fill: Float)
  }

  private(set) var query: ValueID?
  private(set) var key: ValueID?
  private(set) var masks: [Mask] = []
  private(set) var factor = 1.0
  private(set) var nodes: [Int] = []

  init?(of value: ValueID?, softmaxShape shape: Shape, _ matcher: PatternMatcher) {
    guard follow(value, shape, matcher, depth: 8) else { return nil }
  }

  /// Walks back to the product. On failure `self` is as before.
  private mutating func follow(_ value: ValueID?, _ shape: Shape, _ matcher: PatternMatcher, depth: Int) -> Bool {
    guard depth > 0, matcher.shape(value) == shape, matcher.soleReader(of: value) != nil,
      let index = matcher.producer(of: value), matcher.node(index).domain == .onnx
    else { return false }
    let node = matcher.node(index)
    let before = self
    nodes.append(index)
    if let scaling = matcher.scaling(index) {
      // A scale over masks scales them too: not what the fused operator does.
      let masksAbove = masks.count
      factor *= scaling.factor
      if follow(scaling.input, shape, matcher, depth: depth - 1), masks.count == masksAbove { return true }
    }
    switch node.op {
    case "MatMul":
      (query, key) = (node.input(0), node.input(1))
      return true
    case "Add":
      for (scores, mask) in matcher.operandOrders(of: node) {
        let start = self
        guard let maskShape = matcher.shape(mask), Shape.broadcast(maskShape, shape) == shape else { continue }
        masks.append(.added(mask))
        if follow(scores, shape, matcher, depth: depth - 1) { return true }
        self = start
      }
    case "Where":
      for keeps in [true, false] {
        let start = self
        guard let mask = Self.selection(node, keeps: keeps, shape, matcher) else { continue }
        masks.append(mask)
        if follow(node.input(keeps ? 1 : 2), shape, matcher, depth: depth - 1) { return true }
        self = start
      }
    default: break
    }
    self = before
    return false
  }

  /// A condition and a number that hides what it fills.
  ///
  /// Adding the number is the same as selecting it when it swallows any score; a smaller one must be constant in place
  /// and leave something of every row, since then what it fills gets no weight either way.
  private static func selection(_ node: Node, keeps: Bool, _ shape: Shape, _ matcher: PatternMatcher) -> Mask? {
    guard node.inputs.count == 3, var condition = node.inputs[0],
      let fill = matcher.scalar(node.inputs[keeps ? 2 : 1]), fill <= -1e4
    else { return nil }
    if let expansion = matcher.producer(of: condition, ["Expand"]), let narrow = matcher.node(expansion).input(0) {
      condition = narrow
    }
    guard let own = matcher.shape(condition), Shape.broadcast(own, shape) == shape else { return nil }
    let mask = Mask.selected(condition: condition, keeps: keeps, fill: Float(fill))
    guard let constant = matcher.graph.constant(condition) else { return fill <= -1e30 ? mask : nil }
    guard let columns = own.last, columns == shape[3] else { return nil }
    let bits = constant.integers
    let leavesSome = stride(from: 0, to: bits.count, by: columns).allSatisfy { row in
      bits[row..<(row + columns)].contains { ($0 != 0) == keeps }
    }
    return leavesSome ? mask : nil
  }
}

/// Masks made once for all layers that use them.
struct MaskCache {
  private struct Selection: Hashable {
    let shape: Shape
    let keeps: [Bool]
    let fill: Float
    let type: DataType
  }

  private struct Choice: Hashable {
    let condition: ValueID
    let keeps: Bool
    let fill: Float
    let type: DataType
  }

  private var selections: [Selection: ValueID] = [:]
  private var choices: [Choice: ValueID] = [:]
  private var sums: [[ValueID]: ValueID] = [:]

  /// One additive mask for all of them; `nil` when there is none.
  mutating func mask(of scores: Scores, named name: String, _ rewriter: inout GraphRewriter) -> ValueID? {
    let graph = rewriter.matcher.graph
    let type = scores.query.flatMap { graph[$0].type } ?? .float32
    var shapes: [ValueID: Shape] = [:]
    var sum: ValueID?
    for mask in scores.masks {
      let next: ValueID
      switch mask {
      case .added(let value):
        next = value
        shapes[next] = rewriter.matcher.shape(value)
      case .selected(let condition, let keeps, let fill):
        if let constant = graph.constant(condition) {
          let selection = Selection(
            shape: constant.shape, keeps: constant.integers.map { ($0 != 0) == keeps }, fill: fill, type: type)
          next = additive(selection, named: name, &rewriter)
        } else {
          let choice = Choice(condition: condition, keeps: keeps, fill: fill, type: type)
          next = additive(choice, named: name, &rewriter)
        }
        shapes[next] = rewriter.matcher.shape(condition)
      }
      guard let first = sum else {
        sum = next
        continue
      }
      let shape = Shape.broadcast(shapes[first] ?? [], shapes[next] ?? [])
      sum = self.sum(first, next, shape: shape, type: type, named: name, &rewriter)
      if let sum { shapes[sum] = shape }
    }
    return sum
  }

  private mutating func additive(
    _ selection: Selection, named name: String, _ rewriter: inout GraphRewriter
  ) -> ValueID {
    if let known = selections[selection] { return known }
    // The largest fills are infinite in half precision; the least half hides as well.
    let fill = selection.type == .float16 ? max(selection.fill, -65504) : selection.fill
    let numbers = selection.keeps.map { $0 ? 0 : Double(fill) }
    let tensor = Tensor(numbers, as: selection.type).reshaped(to: selection.shape)
    let value = rewriter.add(constant: tensor, named: name + "/mask")
    selections[selection] = value
    return value
  }

  /// A `Where` of the condition's own shape instead of one of the scores'.
  private mutating func additive(_ choice: Choice, named name: String, _ rewriter: inout GraphRewriter) -> ValueID {
    if let known = choices[choice] { return known }
    let numbers = [0, Double(choice.fill)].map { Tensor([$0], as: choice.type).reshaped(to: []) }
    let kept = rewriter.add(constant: numbers[0], named: name + "/kept")
    let hidden = rewriter.add(constant: numbers[1], named: name + "/hidden")
    let shape = rewriter.matcher.shape(choice.condition)
    let value = rewriter.add(type: choice.type, shape: shape, named: name + "/mask")
    rewriter.insert(
      Node(
        name: name + "/mask", op: "Where", opset: 16,
        inputs: [choice.condition, choice.keeps ? kept : hidden, choice.keeps ? hidden : kept], outputs: [value]),
      after: [choice.condition])
    choices[choice] = value
    return value
  }

  /// The sum of two masks, computed as early as both are known.
  private mutating func sum(
    _ a: ValueID, _ b: ValueID, shape: Shape?, type: DataType, named name: String, _ rewriter: inout GraphRewriter
  ) -> ValueID {
    if let known = sums[[a, b]] { return known }
    let value = rewriter.add(type: type, shape: shape, named: name + "/masks")
    rewriter.insert(
      Node(name: name + "/masks", op: "Add", opset: 14, inputs: [a, b], outputs: [value]), after: [a, b])
    sums[[a, b]] = value
    return value
  }
}
