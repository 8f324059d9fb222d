/// Answers the questions that patterns ask about a graph, each in O(1) but where said.
struct PatternMatcher {
  let graph: Graph
  /// By value; -1 for inputs and constants.
  private let producers: [Int]
  /// By value: the reading nodes, one entry per reading input.
  private let readers: [[Int]]
  /// By value: it must exist whatever is fused.
  private let survives: [Bool]

  init(_ graph: Graph, keeping: Set<ValueID>) {
    self.graph = graph
    var producers = [Int](repeating: -1, count: graph.values.count)
    var readers = [[Int]](repeating: [], count: graph.values.count)
    var survives = [Bool](repeating: false, count: graph.values.count)
    for (index, node) in graph.nodes.enumerated() {
      for case let input? in node.inputs { readers[input.index].append(index) }
      for case let output? in node.outputs { producers[output.index] = index }
    }
    for value in graph.outputs + keeping where survives.indices.contains(value.index) { survives[value.index] = true }
    self.producers = producers
    self.readers = readers
    self.survives = survives
  }

  // MARK: Edges

  func node(_ index: Int) -> Node { graph.nodes[index] }

  /// Whether the value is an output of the graph or asked for by the caller.
  func mustSurvive(_ value: ValueID) -> Bool { survives[value.index] }

  func producer(of value: ValueID?) -> Int? {
    // Values that a rewriter has added since are not known here.
    guard let value, value.index < producers.count, producers[value.index] >= 0 else { return nil }
    return producers[value.index]
  }

  /// The node that makes the value, if it is one of these ONNX operators.
  func producer(of value: ValueID?, _ ops: Set<String>) -> Int? {
    guard let index = producer(of: value), node(index).domain == .onnx, ops.contains(node(index).op) else { return nil }
    return index
  }

  func readers(of value: ValueID) -> [Int] { readers[value.index] }

  /// The node that reads the value, when it reads it once, nothing else does, and the value may go.
  func soleReader(of value: ValueID?) -> Int? {
    guard let value, readers[value.index].count == 1, !survives[value.index] else { return nil }
    return readers[value.index][0]
  }

  /// As ``soleReader(of:)``, if it is one of these ONNX operators.
  func soleReader(of value: ValueID?, _ ops: Set<String>) -> Int? {
    guard let index = soleReader(of: value), node(index).domain == .onnx, ops.contains(node(index).op) else {
      return nil
    }
    return index
  }

  /// Whether what these nodes compute is seen by no other node, but for the results of `root`. O(edges of the nodes).
  func isClosed(_ nodes: Set<Int>, root: Int) -> Bool {
    nodes.allSatisfy { index in
      index == root
        || node(index).outputs.allSatisfy { output in
          guard let output else { return true }
          return !survives[output.index] && readers[output.index].allSatisfy(nodes.contains)
        }
    }
  }

  // MARK: Operands

  func shape(_ value: ValueID?) -> Shape? { value.flatMap { graph[$0].fixedShape } }

  /// The types that fused operators compute with.
  func isComputable(_ value: ValueID?) -> Bool {
    guard let value, let type = graph[value].type else { return false }
    return type == .float32 || type == .float16
  }

  /// The number that a constant of one element holds.
  func scalar(_ value: ValueID?) -> Double? {
    guard let constant = graph.constant(value), constant.elementCount == 1 else { return nil }
    return Lanes(constant).doubles[0]
  }

  /// Both ways to read a node with two operands.
  func operandOrders(of node: Node) -> [(ValueID, ValueID)] {
    guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else { return [] }
    return [(a, b), (b, a)]
  }

  /// The operand and the factor of a multiplication or division by one constant number that leaves the shape alone.
  func scaling(_ index: Int) -> (input: ValueID, factor: Double)? {
    let node = node(index)
    guard node.domain == .onnx, node.op == "Mul" || node.op == "Div" else { return nil }
    for (input, constant) in operandOrders(of: node) {
      guard let number = scalar(constant), graph.constant(input) == nil, shape(input) != nil,
        shape(input) == shape(node.output(0))
      else { continue }
      if node.op == "Mul" { return (input, number) }
      if node.inputs[1] == constant, number != 0 { return (input, 1 / number) }
    }
    return nil
  }

  /// Whether two numbers are the same constant of a formula, as exporters round it.
  static func isClose(_ number: Double, to expected: Double, tolerance: Double = 1e-4) -> Bool {
    abs(number - expected) <= tolerance * max(0.1, abs(expected))
  }
}
