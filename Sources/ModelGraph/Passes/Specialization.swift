extension Graph {
  /// The graph for concrete input shapes: every value that is read has a type and fixed extents, shape arithmetic is
  /// folded away, identities and dead nodes are gone. Values keep their identities.
  ///
  /// - Parameters:
  ///   - inputShapes: by input; inputs with fixed extents may be left out.
  ///   - inputValues: values of inputs, at least of those that ``shapeInputs()`` lists. They become constants and stay
  ///     listed as inputs.
  /// - Throws: ``GraphError`` when shapes contradict the declarations, each other or an operator's rules.
  /// - Complexity: O(nodes), and what folding computes.
  public func specialized(
    inputShapes: [ValueID: Shape], inputValues: [ValueID: Tensor] = [:]
  ) throws(GraphError) -> Graph {
    var specialization = Specialization(self)
    try specialization.bind(inputShapes: inputShapes, inputValues: inputValues)
    try specialization.inferAll()
    return specialization.graph.removingIdentities().removingDeadCode()
  }
}

/// The walk behind ``Graph/specialized(inputShapes:inputValues:)``.
private struct Specialization {
  private(set) var graph: Graph
  /// Values that are known at this point of the walk: inputs, constants and results of nodes already seen.
  private var isDefined: [Bool]
  private var folding: ConstantFolding

  init(_ graph: Graph) {
    self.graph = graph
    isDefined = graph.values.map { $0.constant != nil }
    folding = ConstantFolding(shapeValues: graph.valuesThatDecideShapes())
  }

  // MARK: Inputs

  mutating func bind(
    inputShapes: [ValueID: Shape], inputValues: [ValueID: Tensor]
  ) throws(GraphError) {
    let known = Set(graph.inputs)
    for value in [ValueID](inputShapes.keys) + [ValueID](inputValues.keys) where !known.contains(value) {
      throw .unknownInput(
        name: graph.values.indices.contains(value.index) ? graph[value].name : "\(value)",
        expected: graph.inputs.map { graph[$0].name })
    }
    var extents: [String: Int] = [:]
    for input in graph.inputs {
      let shape = try shape(of: input, given: inputShapes[input], value: inputValues[input])
      try unify(graph[input], with: shape, &extents)
      guard let type = graph[input].type ?? inputValues[input]?.type else {
        throw .untypedInput(name: graph[input].name)
      }
      if let value = inputValues[input] {
        guard value.type == type, value.shape == shape else {
          throw .wrongValue(
            input: graph[input].name, expected: "\(type) \(shape)", got: "\(value.type) \(value.shape)")
        }
        graph[input].constant = value
      }
      graph[input].type = type
      graph[input].shape = shape.map { .fixed($0) }
      isDefined[input.index] = true
    }
  }

  private func shape(of input: ValueID, given: Shape?, value: Tensor?) throws(GraphError) -> Shape {
    let declared = graph[input]
    guard let shape = given ?? value?.shape ?? declared.fixedShape else {
      throw .missingShape(input: declared.name, declared: text(declared.shape))
    }
    guard shape.checkedElementCount != nil else {
      throw .wrongShape(
        input: declared.name,
        expected: "of rank up to \(ModelLimits.rank) with up to \(ModelLimits.elements) elements", got: shape)
    }
    return shape
  }

  /// Checks a shape against the declared dimensions and against what their names are bound to.
  private func unify(_ input: Value, with shape: Shape, _ extents: inout [String: Int]) throws(GraphError) {
    guard let declared = input.shape else { return }
    guard declared.count == shape.count else {
      throw .wrongShape(input: input.name, expected: text(declared), got: shape)
    }
    for (axis, dimension) in declared.enumerated() {
      switch dimension {
      case .fixed(let extent):
        guard extent == shape[axis] else {
          throw .wrongShape(input: input.name, expected: text(declared), got: shape)
        }
      case .symbolic(""), .symbolic("?"): continue  // no name: bound to nothing
      case .symbolic(let name):
        let expected = extents[name] ?? shape[axis]
        guard expected == shape[axis] else {
          throw .conflictingDimension(
            name: name, input: input.name, axis: axis, expected: expected, got: shape[axis])
        }
        extents[name] = expected
      }
    }
  }

  private func text(_ dimensions: [Dimension]?) -> String {
    dimensions.map { "[" + $0.map(\.description).joined(separator: ", ") + "]" } ?? "of unknown rank"
  }

  // MARK: Nodes

  mutating func inferAll() throws(GraphError) {
    try checkConstants()
    let nodes = graph.nodes
    graph.nodes = []
    for node in nodes {
      let types = try types(of: node)
      define(node, types)
      if let tensors = try folding.outputs(of: node, types: types, in: graph) {
        graph.define(node, constants: tensors)
      } else {
        graph.nodes.append(rewritten(node, types))
      }
    }
    for output in graph.outputs where !isDefined[output.index] {
      throw .undefinedValue(node: "output", value: graph[output].name)
    }
  }

  private func checkConstants() throws(GraphError) {
    for value in graph.values {
      guard let constant = value.constant, constant.shape.checkedElementCount == nil else { continue }
      throw .wrongShape(
        input: value.name, expected: "of rank up to \(ModelLimits.rank) with up to \(ModelLimits.elements) elements",
        got: constant.shape)
    }
  }

  private func types(of node: Node) throws(GraphError) -> [TensorType] {
    for case let input? in node.inputs where !isDefined[input.index] {
      throw .undefinedValue(node: node.name, value: graph[input].name)
    }
    return try node.outputTypes(in: graph)
  }

  private mutating func define(_ node: Node, _ types: [TensorType]) {
    for (type, output) in zip(types, node.outputs) {
      guard let output else { continue }
      graph[output].type = type.type
      graph[output].shape = type.shape.map { .fixed($0) }
      isDefined[output.index] = true
    }
  }

  /// A large `ConstantOfShape` becomes an `Expand` of its one element, which costs the engine nothing.
  private mutating func rewritten(_ node: Node, _ types: [TensorType]) -> Node {
    guard node.domain == .onnx, node.op == "ConstantOfShape",
      let fill = try? IndexingRules.fill(NodeContext(node, graph))
    else { return node }
    let value = graph.add(Value(name: node.name + "/value", constant: fill))
    isDefined.append(true)
    return Node(
      name: node.name, op: "Expand", opset: node.opset, inputs: [value] + node.inputs, outputs: node.outputs)
  }
}
