/// How an operator's result types follow from its operands.
struct OperatorRule: Sendable {
  typealias Infer = @Sendable (NodeContext) throws(GraphError) -> [TensorType]

  /// How many inputs the operator takes, absent optional ones before the last included.
  let inputs: ClosedRange<Int>
  /// Positions whose *values* decide shapes or attributes: they must be constant when the graph is specialised.
  let shapeOperands: [Int]
  /// The types of the outputs, first to last. Must not trap.
  let infer: Infer

  init(_ inputs: ClosedRange<Int>, shapeOperands: [Int] = [], infer: @escaping Infer) {
    self.inputs = inputs
    self.shapeOperands = shapeOperands
    self.infer = infer
  }

  init(_ inputs: Int, shapeOperands: [Int] = [], infer: @escaping Infer) {
    self.init(inputs...inputs, shapeOperands: shapeOperands, infer: infer)
  }

  /// Variadic operators take up to this many inputs.
  static let manyInputs = 1 << 16

  static func of(_ node: Node) -> OperatorRule? { table[node.domain]?[node.op] }

  /// Every operator that can be specialised. One family, one file.
  private static let table: [OperatorDomain: [String: OperatorRule]] = {
    let families = [
      ElementwiseRules.rules, WindowRules.rules, ReductionRules.rules, MovementRules.rules, IndexingRules.rules,
      LinearRules.rules, NormalizationRules.rules,
    ]
    var onnx: [String: OperatorRule] = [:]
    for family in families { onnx.merge(family) { first, _ in first } }
    return [.onnx: onnx, .microsoft: MicrosoftRules.rules, .apparate: FusedRules.rules]
  }()
}

extension Node {
  /// The types of the node's outputs, checked against the operator's rule and ``ModelLimits``.
  func outputTypes(in graph: Graph) throws(GraphError) -> [TensorType] {
    let context = NodeContext(self, graph)
    guard let rule = OperatorRule.of(self) else {
      throw .unsupportedOperator(node: name, domain: domain.rawValue, op: op, opset: opset)
    }
    guard rule.inputs.contains(inputs.count) || inputs.count > rule.inputs.upperBound && trailingInputsAbsent(rule)
    else {
      throw context.invalid(expected: "\(rule.inputs) inputs", got: "\(inputs.count)")
    }
    let types = try rule.infer(context)
    for type in types { try context.require(withinLimits: type.shape) }
    for (position, output) in outputs.enumerated() where output != nil && position >= types.count {
      throw context.invalid(expected: "at most \(types.count) outputs", got: "\(outputs.count)")
    }
    return types
  }

  private func trailingInputsAbsent(_ rule: OperatorRule) -> Bool {
    inputs[rule.inputs.upperBound...].allSatisfy { $0 == nil }
  }
}
