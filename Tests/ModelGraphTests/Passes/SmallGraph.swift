import ModelGraph

/// Builds graphs node by node for the tests of passes and analyses.
struct SmallGraph {
  private(set) var graph = Graph(name: "test")
  var opset = 21

  mutating func input(_ name: String, _ shape: [Dimension], _ type: DataType = .float32) -> ValueID {
    let value = graph.add(Value(name: name, type: type, shape: shape))
    graph.inputs.append(value)
    return value
  }

  mutating func input(_ name: String, _ shape: Shape, _ type: DataType = .float32) -> ValueID {
    input(name, shape.map { .fixed($0) }, type)
  }

  mutating func constant(_ tensor: Tensor) -> ValueID {
    graph.add(Value(name: "c\(graph.values.count)", constant: tensor))
  }

  mutating func integers(_ values: [Int64]) -> ValueID { constant(Tensor(values, shape: [values.count])) }

  /// Weights of zeros.
  mutating func weights(_ shape: Shape, _ type: DataType = .float32) -> ValueID {
    constant(.zeros(type, shape))
  }

  mutating func nodes(
    _ op: String, _ inputs: [ValueID?], outputs count: Int, _ attributes: [String: Attribute] = [:],
    domain: OperatorDomain = .onnx, named name: String? = nil
  ) -> [ValueID] {
    let name = name ?? "\(op)\(graph.nodes.count)"
    let outputs = (0..<count).map { graph.add(Value(name: $0 == 0 ? name : "\(name).\($0)")) }
    graph.nodes.append(
      Node(name: name, domain: domain, op: op, opset: opset, inputs: inputs, outputs: outputs, attributes: attributes))
    return outputs
  }

  mutating func node(
    _ op: String, _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:], domain: OperatorDomain = .onnx,
    named name: String? = nil
  ) -> ValueID {
    nodes(op, inputs, outputs: 1, attributes, domain: domain, named: name)[0]
  }

  /// The graph with these outputs. Mutating so that nodes added while the arguments are evaluated belong to it.
  mutating func built(_ outputs: ValueID...) -> Graph {
    var graph = graph
    graph.outputs = outputs
    return graph
  }
}

extension Tensor {
  static func zeros(_ type: DataType, _ shape: Shape) -> Tensor {
    Tensor(type: type, shape: shape, storage: TensorStorage(byteCount: shape.elementCount * type.byteWidth) { _ in })
  }
}
