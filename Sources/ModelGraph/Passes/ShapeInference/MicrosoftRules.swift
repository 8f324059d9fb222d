/// Contrib operators of domain `com.microsoft`.
enum MicrosoftRules {
  static let rules: [String: OperatorRule] = [
    "Gelu": OperatorRule(1) { (context) throws(GraphError) in [try context.operand(0, of: .floatingPoint)] },
    "FastGelu": OperatorRule(1...2) { (context) throws(GraphError) in
      let x = try context.operand(0, of: .floatingPoint)
      guard context.has(1) else { return [x] }
      let (_, bias) = try context.sameTypeOperands(0, 1, of: .floatingPoint)
      guard bias.rank == 1 else { throw context.invalid(expected: "a bias of rank 1", got: "\(bias.shape)") }
      try context.require(bias.shape, broadcastsTo: x.shape)
      return [x]
    },
  ]
}
