import Wire

/// Builds a ``Graph`` from the parts of a `GraphProto`, whose nodes are known to be supported.
struct GraphBuilder {
  private let operatorSets: OperatorSets
  private let tensors: TensorReader
  private var graph: Graph
  private var definitions: [String: Definition] = [:]

  /// What gives a name its value.
  private struct Definition {
    let value: ValueID
    let source: Source

    enum Source: CustomStringConvertible {
      case initializer
      case input
      case node(String)

      var description: String {
        switch self {
        case .initializer: "an initializer"
        case .input: "a graph input"
        case .node(let name): "node \"\(name)\""
        }
      }
    }
  }

  init(name: String, operatorSets: OperatorSets, tensors: TensorReader) {
    self.operatorSets = operatorSets
    self.tensors = tensors
    graph = Graph(name: name)
  }

  /// The graph, with its nodes in the order of the file.
  mutating func build(_ proto: ONNXGraph) throws(ImportError) -> Graph {
    var dimensionNames = DimensionNames(avoiding: [proto.inputs, proto.outputs, proto.values].joined())
    for initializer in proto.initializers { try addInitializer(initializer) }
    for input in proto.inputs { try addInput(input, &dimensionNames) }
    let outputs = try defineOutputs(of: proto)
    for value in [proto.outputs, proto.values].joined() { try annotate(value, &dimensionNames) }
    for (index, node) in proto.nodes.enumerated() where !node.isConstant {
      try addNode(node, named: node.displayName(at: index), outputs: outputs[index])
    }
    try addOutputs(proto.outputs)
    guard !graph.outputs.isEmpty else { throw .missing(part: "outputs") }
    return graph
  }

  private mutating func addInitializer(_ initializer: ONNXTensor) throws(ImportError) {
    let tensor = try tensors.tensor(initializer, named: initializer.name)
    _ = try define(Value(name: initializer.name, constant: tensor), by: .initializer)
  }

  /// Before IR version 4, initializers had to be listed as inputs too; then they are defaults that nobody overrides.
  private mutating func addInput(_ input: ONNXValue, _ names: inout DimensionNames) throws(ImportError) {
    if let known = definitions[input.name], case .initializer = known.source {
      try checkAgreement(of: input, with: known.value)
      return
    }
    guard let tensorType = input.tensorType else { throw .notATensor(input: input.name) }
    let type = try DataType(onnxCode: tensorType.elementType, of: input.name)
    let value = Value(name: input.name, type: type, shape: try names.shape(of: input))
    graph.inputs.append(try define(value, by: .input))
  }

  private func checkAgreement(of input: ONNXValue, with constant: ValueID) throws(ImportError) {
    guard let declared = input.tensorType, let tensor = graph.constant(constant) else { return }
    let type = try DataType(onnxCode: declared.elementType, of: input.name)
    guard type == tensor.type else {
      throw .invalidTensor(name: input.name, expected: "\(type), as the input of this name", got: "\(tensor.type)")
    }
    guard let dimensions = declared.dimensions else { return }
    let agrees = zip(dimensions, tensor.shape).allSatisfy { $0.extent == nil || $0.extent == Int64($1) }
    guard dimensions.count == tensor.shape.count, agrees else {
      throw .invalidTensor(
        name: input.name, expected: "shape \(dimensions.map { $0.extent ?? -1 }), as the input of this name",
        got: "\(tensor.shape)")
    }
  }

  /// Defines what the nodes produce, so that nodes can be linked in any order. Constants become values here.
  private mutating func defineOutputs(of proto: ONNXGraph) throws(ImportError) -> [[ValueID?]] {
    let read = Set(proto.nodes.lazy.flatMap(\.inputs)).union(proto.outputs.lazy.map(\.name))
    var result: [[ValueID?]] = []
    for (index, node) in proto.nodes.enumerated() {
      let name = node.displayName(at: index)
      var ids: [ValueID?] = []
      for output in wantedOutputs(of: node, read: read) {
        if output.isEmpty {
          ids.append(nil)
        } else if node.isConstant {
          let tensor = try constant(of: node, named: name)
          ids.append(try define(Value(name: output, constant: tensor), by: .node(name)))
        } else {
          ids.append(try define(Value(name: output), by: .node(name)))
        }
      }
      result.append(ids)
    }
    return result
  }

  /// The outputs of a node without the optional ones at the end that nothing reads: the mask of `Dropout`, the
  /// statistics of `BatchNormalization`. Where a node has as many outputs as one likes, their number means something.
  private func wantedOutputs(of node: ONNXNode, read: Set<String>) -> ArraySlice<String> {
    let maximum = signature(of: node)?.outputs.upperBound
    let minimum = signature(of: node)?.outputs.lowerBound ?? 1
    guard maximum != OperatorSignature.unlimited else { return node.outputs[...] }
    var outputs = node.outputs[...]
    while outputs.count > minimum, let last = outputs.last, last.isEmpty || !read.contains(last) {
      outputs.removeLast()
    }
    return outputs
  }

  private func signature(of node: ONNXNode) -> OperatorSignature? {
    guard let domain = OperatorDomain(rawValue: OperatorSets.canonical(node.domain)),
      let opset = operatorSets.version(of: node.domain)
    else { return nil }
    return SupportedOperators.signatures(of: node.op, domain: domain)?.first { $0.opsets.contains(Int(opset)) }
  }

  private func constant(of node: ONNXNode, named name: String) throws(ImportError) -> Tensor {
    guard let attribute = node.attributes.first else { throw .missing(part: "value of node \"\(name)\"") }
    switch attribute.name {
    case "value_float": return Tensor([attribute.float ?? 0], shape: [])
    case "value_int": return Tensor([attribute.int ?? 0], shape: [])
    case "value_floats": return Tensor(attribute.floats, shape: [attribute.floats.count])
    case "value_ints": return Tensor(attribute.ints, shape: [attribute.ints.count])
    default:
      guard let tensor = attribute.tensor else { throw .missing(part: "value of node \"\(name)\"") }
      return try tensors.tensor(tensor, named: "value of \(name)")
    }
  }

  /// Adds what the file says about a value that some node produces. What it says about others is of no use.
  private mutating func annotate(_ value: ONNXValue, _ names: inout DimensionNames) throws(ImportError) {
    guard let known = definitions[value.name], case .node = known.source, let type = value.tensorType,
      graph[known.value].constant == nil
    else { return }
    if graph[known.value].type == nil, type.elementType != 0 {
      graph[known.value].type = try DataType(onnxCode: type.elementType, of: value.name)
    }
    if graph[known.value].shape == nil { graph[known.value].shape = try names.shape(of: value) }
  }

  private mutating func addNode(_ node: ONNXNode, named name: String, outputs: [ValueID?]) throws(ImportError) {
    var inputs: [ValueID?] = []
    for input in node.inputs.withoutTrailingEmpty {
      guard !input.isEmpty else {
        inputs.append(nil)
        continue
      }
      guard let definition = definitions[input] else { throw .undefinedValue(name: input, user: "node \"\(name)\"") }
      inputs.append(definition.value)
    }
    try checkDropout(node, named: name, inputs: inputs)
    graph.nodes.append(
      Node(
        name: name, domain: OperatorDomain(rawValue: OperatorSets.canonical(node.domain)) ?? .onnx, op: node.op,
        opset: Int(operatorSets.version(of: node.domain) ?? 0), inputs: inputs, outputs: outputs,
        attributes: try attributes(of: node, named: name)))
  }

  private func checkDropout(_ node: ONNXNode, named name: String, inputs: [ValueID?]) throws(ImportError) {
    guard node.op == "Dropout", inputs.count == 3, let mode = graph.constant(inputs[2]) else { return }
    guard mode.integers.contains(where: { $0 != 0 }) else { return }
    throw .unsupportedNodes([
      UnsupportedNode(
        op: node.op, name: name, domain: node.domain, opset: operatorSets.version(of: node.domain),
        reason: "it is in training mode")
    ])
  }

  private func attributes(of node: ONNXNode, named name: String) throws(ImportError) -> [String: Attribute] {
    var result: [String: Attribute] = [:]
    for attribute in node.attributes {
      result[attribute.name] =
        switch AttributeKind(of: attribute) {
        case .float: .float(attribute.float ?? 0)
        case .int: .int(attribute.int ?? 0)
        case .string: .string(String(decoding: attribute.string ?? [], as: UTF8.self))
        case .floats: .floats(attribute.floats)
        case .ints: .ints(attribute.ints)
        case .strings: .strings(attribute.strings.map { String(decoding: $0, as: UTF8.self) })
        case .tensor:
          try attribute.tensor.map { (tensor) throws(ImportError) in
            .tensor(try tensors.tensor(tensor, named: "\(attribute.name) of \(name)"))
          }
        case nil: nil
        }
    }
    return result
  }

  private mutating func addOutputs(_ outputs: [ONNXValue]) throws(ImportError) {
    var seen: Set<String> = []
    for output in outputs {
      let list = "the list of graph outputs"
      guard let definition = definitions[output.name] else { throw .undefinedValue(name: output.name, user: list) }
      guard seen.insert(output.name).inserted else {
        throw .duplicateValue(name: output.name, first: list, second: "the same list")
      }
      graph.outputs.append(definition.value)
    }
  }

  private mutating func define(_ value: Value, by source: Definition.Source) throws(ImportError) -> ValueID {
    guard !value.name.isEmpty else { throw .missing(part: "name of a value that is \(source)") }
    if let other = definitions[value.name] {
      throw .duplicateValue(name: value.name, first: "\(other.source)", second: "\(source)")
    }
    let id = graph.add(value)
    definitions[value.name] = Definition(value: id, source: source)
    return id
  }
}

extension ONNXNode {
  fileprivate var isConstant: Bool { op == "Constant" && OperatorSets.canonical(domain).isEmpty }
}
