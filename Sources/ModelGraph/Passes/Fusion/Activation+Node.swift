extension Activation {
  /// What a node that is nothing but an activation computes; `nil` when it is another operator, or its bounds are not
  /// constant.
  init?(_ node: Node, in graph: Graph) {
    guard node.outputs.count == 1 else { return nil }
    switch (node.domain, node.op) {
    case (.apparate, FusedOperator.activation.rawValue): self.init(of: node)
    case (.microsoft, "Gelu"): self.init(.gelu)
    case (.microsoft, "FastGelu") where node.input(1) == nil: self.init(.geluTanh)
    case (.onnx, "Relu"): self.init(.relu)
    case (.onnx, "Sigmoid"): self.init(.sigmoid)
    case (.onnx, "Tanh"): self.init(.tanh)
    case (.onnx, "LeakyRelu"): self.init(.leakyRelu, alpha: node.float("alpha") ?? 0.01)
    case (.onnx, "HardSigmoid"):
      self.init(.hardSigmoid, alpha: node.float("alpha") ?? 0.2, beta: node.float("beta") ?? 0.5)
    case (.onnx, "HardSwish"): self.init(.hardSwish)
    case (.onnx, "Gelu"): self.init(node.string("approximate") == "tanh" ? .geluTanh : .gelu)
    case (.onnx, "Clip"):
      guard let activation = Bounds(clip: node, in: graph)?.activation else { return nil }
      self = activation
    default: return nil
    }
  }
}
