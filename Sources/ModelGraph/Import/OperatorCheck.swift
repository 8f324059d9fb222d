import Wire

/// Finds all nodes of a graph that we cannot run, so that one look tells what a model would need.
struct OperatorCheck {
  private let operatorSets: OperatorSets
  private let graph: ONNXGraph
  /// Names that something reads: nodes, or whoever wants the graph's outputs.
  private let read: Set<String>
  private let constants: Set<String>

  init(operatorSets: OperatorSets, graph: ONNXGraph) {
    self.operatorSets = operatorSets
    self.graph = graph
    read = Set(graph.nodes.lazy.flatMap(\.inputs)).union(graph.outputs.lazy.map(\.name))
    constants = Set(graph.initializers.lazy.map(\.name)).union(
      graph.nodes.lazy.filter { $0.op == "Constant" }.flatMap(\.outputs))
  }

  /// In the order of the file. O(nodes).
  func unsupportedNodes() -> [UnsupportedNode] {
    graph.nodes.enumerated().compactMap { index, node in
      reasonAgainst(node).map {
        UnsupportedNode(
          op: node.op, name: node.displayName(at: index), domain: OperatorSets.canonical(node.domain),
          opset: operatorSets.version(of: node.domain), reason: $0)
      }
    }
  }

  private func reasonAgainst(_ node: ONNXNode) -> String? {
    guard let domain = OperatorDomain(rawValue: OperatorSets.canonical(node.domain)), domain != .apparate,
      let signatures = SupportedOperators.signatures(of: node.op, domain: domain)
    else { return "the operator is not supported" }
    guard let opset = operatorSets.version(of: node.domain) else { return "the model does not import its operator set" }
    guard let signature = signatures.first(where: { $0.opsets.contains(Int(opset)) }) else {
      let known = signatures.map { "\($0.opsets.lowerBound) to \($0.opsets.upperBound)" }
      return "the operator is supported in opsets \(known.joined(separator: ", ")) only"
    }
    return reasonAgainstArity(of: node, signature) ?? reasonAgainstAttributes(of: node) ?? reasonAgainstTraining(node)
  }

  private func reasonAgainstArity(of node: ONNXNode, _ signature: OperatorSignature) -> String? {
    let inputs = node.inputs.withoutTrailingEmpty
    guard signature.inputs.contains(inputs.count) else {
      return "expected \(Self.text(signature.inputs)) inputs, got \(inputs.count)"
    }
    // Where an operator takes any number of inputs, none of them is optional.
    let isVariadic = signature.inputs.upperBound == OperatorSignature.unlimited
    if let absent = inputs.firstIndex(of: ""), isVariadic || absent < signature.inputs.lowerBound {
      return "input \(absent) is required, and absent"
    }
    return reasonAgainstOutputs(of: node, signature)
  }

  private func reasonAgainstOutputs(of node: ONNXNode, _ signature: OperatorSignature) -> String? {
    // Outputs at the end that nothing reads do not count: old exporters write those that exist only for training.
    let used = node.outputs.lastIndex { !$0.isEmpty && read.contains($0) }.map { $0 + 1 } ?? 0
    let count = max(used, min(node.outputs.count, signature.outputs.upperBound))
    guard signature.outputs.contains(count) else {
      return "expected \(Self.text(signature.outputs)) outputs, got \(count)"
    }
    let isVariadic = signature.outputs.upperBound == OperatorSignature.unlimited
    if let unnamed = node.outputs.firstIndex(of: ""), isVariadic || unnamed < signature.outputs.lowerBound {
      return "output \(unnamed) is required, and has no name"
    }
    return nil
  }

  private func reasonAgainstAttributes(of node: ONNXNode) -> String? {
    var names: Set<String> = []
    for attribute in node.attributes {
      if !names.insert(attribute.name).inserted { return "attribute \"\(attribute.name)\" is given twice" }
      if !attribute.reference.isEmpty {
        return "attribute \"\(attribute.name)\" refers to one of a function, and there is no function"
      }
      guard let kind = AttributeKind(of: attribute) else {
        return "attribute \"\(attribute.name)\" holds \(AttributeKind.unsupportedName(of: attribute.type))"
      }
      if kind == .tensor, attribute.tensor == nil { return "attribute \"\(attribute.name)\" should hold a tensor" }
      let strings = kind == .strings ? attribute.strings : kind == .string ? [attribute.string ?? []] : []
      if strings.contains(where: { String(validating: $0, as: UTF8.self) == nil }) {
        return "attribute \"\(attribute.name)\" is not UTF-8 text"
      }
    }
    return node.op == "Constant" && node.domain != OperatorDomain.microsoft.rawValue ? reasonAgainstConstant(node) : nil
  }

  private func reasonAgainstConstant(_ node: ONNXNode) -> String? {
    guard node.attributes.count == 1, let attribute = node.attributes.first else {
      return "expected one attribute, got \(node.attributes.count)"
    }
    let kinds: [String: AttributeKind] = [
      "value": .tensor, "value_float": .float, "value_floats": .floats, "value_int": .int, "value_ints": .ints,
    ]
    guard let kind = kinds[attribute.name] else { return "constants by \"\(attribute.name)\" are not supported" }
    return kind == AttributeKind(of: attribute) ? nil : "attribute \"\(attribute.name)\" is of the wrong type"
  }

  /// We infer, we do not train: nodes that behave differently in training must be told that it is not.
  private func reasonAgainstTraining(_ node: ONNXNode) -> String? {
    switch node.op {
    case "BatchNormalization":
      if node.attributes.contains(where: { $0.name == "training_mode" && $0.int ?? 0 != 0 }) {
        return "it is in training mode"
      }
      if node.attributes.contains(where: { $0.name == "spatial" && $0.int == 0 }) {
        return "spatial=0 is not supported"
      }
      return nil
    case "Dropout":
      guard let mode = node.inputs.dropFirst(2).first, !mode.isEmpty else { return nil }
      return constants.contains(mode) ? nil : "its training mode is not a constant"
    default: return nil
    }
  }

  private static func text(_ range: ClosedRange<Int>) -> String {
    if range.lowerBound == range.upperBound { return "\(range.lowerBound)" }
    return range.upperBound == OperatorSignature.unlimited
      ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }
}

extension ONNXNode {
  /// The node's name, or one made from its operator and its place in the file.
  func displayName(at index: Int) -> String { name.isEmpty ? "\(op)_\(index)" : name }
}

extension [String] {
  /// Optional inputs at the end can be written as empty names, or not at all.
  var withoutTrailingEmpty: ArraySlice<String> { self[..<((lastIndex { !$0.isEmpty } ?? -1) + 1)] }
}
