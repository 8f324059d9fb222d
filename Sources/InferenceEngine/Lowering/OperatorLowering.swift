import ModelGraph

/// From operators to the functions that lower them.
enum OperatorLowering {
  typealias Lower = @Sendable (Node, inout Lowering) throws -> Void

  static func lower(_ node: Node, into lowering: inout Lowering) throws {
    guard let lower = table[Key(domain: node.domain, op: node.op)] else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "the engine has no kernel for this operator")
    }
    try lower(node, &lowering)
  }

  private struct Key: Hashable {
    let domain: OperatorDomain
    let op: String
  }

  /// Every operator that the engine can run. One family, one file.
  private static let table: [Key: Lower] = {
    var table: [Key: Lower] = [:]
    func add(_ family: [String: Lower], domain: OperatorDomain = .onnx) {
      for (op, lower) in family { table[Key(domain: domain, op: op)] = lower }
    }
    add(ElementwiseLowering.operators)
    add(MovementLowering.operators)
    add(IndexingLowering.operators)
    add(ReductionLowering.operators)
    add(NormalizationLowering.operators)
    add(PoolingLowering.operators)
    add(LinearLowering.operators)
    add(ConvolutionLowering.operators)
    add(ElementwiseLowering.fusedOperators, domain: .apparate)
    add(LinearLowering.fusedOperators, domain: .apparate)
    add(ConvolutionLowering.fusedOperators, domain: .apparate)
    add(AttentionLowering.fusedOperators, domain: .apparate)
    return table
  }()
}
