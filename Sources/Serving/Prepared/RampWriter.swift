import EarlyExit
import ModelGraph

/// Adds ramps to a graph, in ordinary ONNX operators: pooling, the ramp's layers, and a copy of the model's tail.
struct RampWriter {
  private(set) var graph: Graph
  private let head: ClassifierHead
  private let opset: Int

  /// What every name that is added begins with.
  static let prefix = "apparate/"

  init(_ graph: Graph, head: ClassifierHead) {
    self.graph = graph
    self.head = head
    opset = graph.nodes.first { $0.domain == .onnx }?.opset ?? 17
  }

  /// What a ramp's layers read at a site, in single precision: one vector an item, or the map for a convolution.
  mutating func features(at site: RampSite, style: RampStyle, scope: String) -> ValueID {
    let value = Self.takesMaps(style, at: site) ? site.value : pooled(site, scope)
    return site.type == .float16
      ? add("Cast", [value], ["to": .int(Int64(DataType.float32.onnxCode))], .float32, scope + "float") : value
  }

  /// Whether a ramp of this style sees the site's map as it is.
  static func takesMaps(_ style: RampStyle, at site: RampSite) -> Bool {
    style == .convPoolLinear && site.shape.count == 4
  }

  private mutating func pooled(_ site: RampSite, _ scope: String) -> ValueID {
    switch (head.pooling, site.shape.count) {
    case (_, 4):
      let average = add("GlobalAveragePool", [site.value], [:], site.type, scope + "average")
      let maximum = add("GlobalMaxPool", [site.value], [:], site.type, scope + "maximum")
      let both = add("Concat", [average, maximum], ["axis": .int(1)], site.type, scope + "both")
      return add("Flatten", [both], ["axis": .int(1)], site.type, scope + "pooled")
    case (.tokens(let nodes, let input, let output), 3):
      return copy(nodes, replacing: input, by: site.value, scope: scope)[output] ?? site.value
    default: return site.value
    }
  }

  private mutating func averaged(_ value: ValueID, _ type: DataType, _ scope: String) -> ValueID {
    let average = add("GlobalAveragePool", [value], [:], type, scope + "average")
    return add("Flatten", [average], ["axis": .int(1)], type, scope + "pooled")
  }

  /// A whole ramp.
  ///
  /// - Returns: its logits in single precision, and for each output of the model what stands in its place.
  mutating func addRamp(
    _ weights: RampWeights, at site: RampSite, scope: String
  ) -> (logits: ValueID, answers: [ValueID: ValueID]) {
    let features = features(at: site, style: weights.style, scope: scope)
    let logits: ValueID
    switch weights {
    case .poolingLinear(let classifier): logits = linear(features, classifier, scope + "logits")
    case .deebert(let pooler, let classifier):
      let hidden = add("Tanh", [linear(features, pooler, scope + "pooler")], [:], .float32, scope + "hidden")
      logits = linear(hidden, classifier, scope + "logits")
    case .convPoolLinear(let convolution, let classifier):
      let map = add("Relu", [self.convolution(features, convolution, scope)], [:], .float32, scope + "map")
      logits = linear(averaged(map, .float32, scope), classifier, scope + "logits")
    }
    var end = logits
    if head.type != .float32 {
      end = add("Cast", [logits], ["to": .int(Int64(head.type.onnxCode))], head.type, scope + "cast")
    }
    var answers = copy(head.tail, replacing: head.logits, by: end, scope: scope)
    answers[head.logits] = end
    return (logits, answers.filter { graph.outputs.contains($0.key) })
  }

  private mutating func linear(_ input: ValueID, _ layer: DenseWeights, _ name: String) -> ValueID {
    let weight = graph.add(
      Value(name: name + "/weight", constant: Tensor(layer.weight, shape: [layer.outputs, layer.inputs])))
    let bias = graph.add(Value(name: name + "/bias", constant: Tensor(layer.bias, shape: [layer.outputs])))
    return add("Gemm", [input, weight, bias], ["transB": .int(1)], .float32, name)
  }

  private mutating func convolution(_ input: ValueID, _ layer: ConvolutionWeights, _ scope: String) -> ValueID {
    let name = scope + "convolution"
    let weight = graph.add(
      Value(name: name + "/weight", constant: Tensor(layer.weight, shape: [layer.outputs, layer.inputs, 3, 3])))
    let bias = graph.add(Value(name: name + "/bias", constant: Tensor(layer.bias, shape: [layer.outputs])))
    return add(
      "Conv", [input, weight, bias], ["kernel_shape": .ints([3, 3]), "pads": .ints([1, 1, 1, 1])], .float32, name)
  }

  private mutating func add(
    _ op: String, _ inputs: [ValueID], _ attributes: [String: Attribute], _ type: DataType?, _ name: String
  ) -> ValueID {
    let output = graph.add(Value(name: name, type: type))
    graph.nodes.append(
      Node(name: name, op: op, opset: opset, inputs: inputs, outputs: [output], attributes: attributes))
    return output
  }

  /// The nodes once more, with another input and new names.
  ///
  /// - Returns: for each value that they make, the new one.
  private mutating func copy(
    _ nodes: [Node], replacing input: ValueID, by value: ValueID, scope: String
  ) -> [ValueID: ValueID] {
    var copies = [input: value]
    for node in nodes {
      var copy = node
      copy.name = scope + node.name
      copy.inputs = node.inputs.map { $0.map { copies[$0] ?? $0 } }
      copy.outputs = node.outputs.map { output in
        guard let output else { return nil }
        let new = graph.add(Value(name: scope + graph[output].name, type: graph[output].type))
        copies[output] = new
        return new
      }
      graph.nodes.append(copy)
    }
    copies[input] = nil
    return copies
  }

  /// Makes a value an output, unless it is one.
  mutating func expose(_ value: ValueID, type: DataType?, shape: [Dimension]?) {
    guard !graph.outputs.contains(value) else { return }
    graph.outputs.append(value)
    if graph[value].type == nil { graph[value].type = type }
    if graph[value].shape == nil { graph[value].shape = shape }
  }
}
