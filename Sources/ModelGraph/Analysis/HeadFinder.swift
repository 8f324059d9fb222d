/// Walks a graph from its outputs backwards; see ``ClassifierHead``.
struct HeadFinder {
  private let graph: Graph
  private let specialized: Graph
  private let producers: [ValueID: Int]
  private let consumers: [ValueID: [Int]]
  private let weightless: Set<ValueID>

  init(_ graph: Graph, specialized: Graph) {
    self.graph = graph
    self.specialized = specialized
    producers = graph.producers()
    consumers = graph.consumers()
    weightless = graph.weightlessValues()
  }

  // MARK: Tail

  /// The nodes that only outputs depend on and that have no weights, in order.
  func tail() throws(ClassifierError) -> [Node] {
    var indices: Set<Int> = []
    for (index, node) in graph.nodes.enumerated().reversed() where isTail(node) {
      let readers = node.outputs.compactMap { $0 }.flatMap { consumers[$0] ?? [] }
      guard readers.allSatisfy(indices.contains), readers.count > 0 || isOutput(node) else { continue }
      if node.op == "Sigmoid" { throw .multiLabel(node: node.name) }
      indices.insert(index)
    }
    return trimmed(indices.sorted())
  }

  private func isTail(_ node: Node) -> Bool {
    guard node.domain == .onnx, dataOperands(of: node).count == 1 else { return false }
    return Self.tailOperators.contains(node.op) || Self.isScaling(node) && !hasWeights(node)
  }

  /// Without the reshapes at the start that only make rows of the scores: ramps make rows at once.
  private func trimmed(_ indices: [Int]) -> [Node] {
    var nodes = indices.map { graph.nodes[$0] }
    while let first = nodes.first, Self.movements.contains(first.op), let input = dataOperands(of: first).first,
      let output = first.output(0), shape(input)?.count != 2, shape(output)?.count == 2, consumers[input]?.count == 1,
      !graph.outputs.contains(input)
    {
      nodes.removeFirst()
    }
    return nodes
  }

  /// The one tensor that the tail, or an output, reads of what is before.
  func logits(before tail: [Node]) throws(ClassifierError) -> (ValueID, classes: Int) {
    let made = Set(tail.flatMap { $0.outputs.compactMap { $0 } })
    let read = Set(tail.flatMap(dataOperands) + graph.outputs).subtracting(made)
    guard let logits = read.first, read.count == 1 else {
      throw .severalAnswers(values: read.sorted().map { graph[$0].name })
    }
    guard let shape = shape(logits), shape.count == 2 else {
      throw .notRows(value: graph[logits].name, shape: shape(logits) ?? [])
    }
    guard shape[1] > 1 else { throw .singleClass(value: graph[logits].name) }
    return (logits, shape[1])
  }

  // MARK: Pooling

  /// Follows the data from the scores back to where it has more than rows.
  func pooling(before logits: ValueID) throws(ClassifierError) -> ClassifierHead.Pooling {
    var value = logits
    while let producer = producers[value] {
      let operands = dataOperands(of: graph.nodes[producer])
      guard let operand = operands.first(where: { (shape($0)?.count ?? 0) > 2 }) ?? operands.first else { break }
      switch shape(operand)?.count {
      case 4: return .image
      case 3: return try tokens(from: operand, to: value)
      default: value = operand
      }
    }
    return .rows
  }

  private func tokens(from operand: ValueID, to value: ValueID) throws(ClassifierError) -> ClassifierHead.Pooling {
    // Forwards: what divides a sum by a count.
    var output = value
    while let reader = consumers[output], reader.count == 1, let next = graph.nodes[reader[0]].output(0),
      isPooling(graph.nodes[reader[0]]), shape(next) == shape(output)
    {
      output = next
    }
    // Backwards: a mask before the sum.
    var nodes: [Int] = []
    var input = output
    while let producer = producers[input], isPooling(graph.nodes[producer]) {
      nodes.append(producer)
      input = dataOperands(of: graph.nodes[producer])[0]
    }
    guard let entry = shape(input), entry.count == 3, let exit = shape(output), exit.count == 2,
      exit == [entry[0], entry[2]]
    else { throw .unknownPooling(value: graph[output].name) }
    return .tokens(nodes: nodes.reversed().map { graph.nodes[$0] }, input: input, output: output)
  }

  private func isPooling(_ node: Node) -> Bool {
    guard node.domain == .onnx, dataOperands(of: node).count == 1, !hasWeights(node) else { return false }
    return Self.poolingOperators.contains(node.op) || Self.isScaling(node)
  }

  // MARK: Questions

  private func shape(_ value: ValueID) -> Shape? { specialized[value].fixedShape }

  private func isOutput(_ node: Node) -> Bool { node.outputs.contains { $0.map(graph.outputs.contains) ?? false } }

  /// The inputs that carry what the model has computed: neither constants nor masks nor shapes.
  private func dataOperands(of node: Node) -> [ValueID] {
    let shapes = OperatorRule.of(node)?.shapeOperands ?? []
    return node.inputs.enumerated().compactMap { position, input in
      guard let input, !shapes.contains(position), graph.constant(input) == nil, !weightless.contains(input) else {
        return nil
      }
      return input
    }
  }

  private func hasWeights(_ node: Node) -> Bool { node.inputs.contains { graph.constant($0)?.isWeight ?? false } }

  private static func isScaling(_ node: Node) -> Bool { ["Add", "Sub", "Mul", "Div"].contains(node.op) }

  private static let movements: Set<String> = ["Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout"]

  private static let tailOperators: Set<String> = movements.union([
    "ArgMax", "ArgMin", "Cast", "Clip", "Equal", "Exp", "Gather", "Greater", "GreaterOrEqual", "Hardmax", "Less",
    "LessOrEqual", "Log", "LogSoftmax", "Neg", "ReduceMax", "Round", "Sigmoid", "Slice", "Softmax", "TopK",
  ])

  private static let poolingOperators: Set<String> = movements.union([
    "Cast", "Expand", "Gather", "GatherND", "GlobalAveragePool", "GlobalMaxPool", "ReduceMax", "ReduceMean",
    "ReduceSum", "Slice", "Transpose", "Where",
  ])
}
