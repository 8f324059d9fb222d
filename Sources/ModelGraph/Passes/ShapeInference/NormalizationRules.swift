/// Normalisations: the result has the shape of the input; what follows checks the statistics and weights.
enum NormalizationRules {
  static let rules: [String: OperatorRule] = [
    "BatchNormalization": OperatorRule(5, infer: batch),
    "InstanceNormalization": OperatorRule(3) { (context) throws(GraphError) in
      let x = try channels(context, rankAtLeast: 3)
      for position in 1...2 { try context.require(position, shape: [x.shape[1]]) }
      return [x]
    },
    "GroupNormalization": OperatorRule(3, infer: group),
    "LayerNormalization": OperatorRule(2...3, infer: layer),
    "LRN": OperatorRule(1) { (context) throws(GraphError) in
      let x = try channels(context, rankAtLeast: 2)
      guard let size = try context.int("size"), size >= 1 else {
        throw context.invalid(expected: "size of 1 or more", got: context.node.int("size").map(String.init) ?? "none")
      }
      return [x]
    },
  ]

  private static func channels(_ context: NodeContext, rankAtLeast rank: Int) throws(GraphError) -> TensorType {
    let x = try context.operand(0, of: .floatingPoint)
    guard x.rank >= rank else {
      throw context.invalid(expected: "an input [N, C, …] of rank \(rank) or more", got: "\(x.shape)")
    }
    return x
  }

  private static func batch(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try channels(context, rankAtLeast: 2)
    let spatial = try context.int("spatial", default: 1)
    guard spatial == 1 else { throw context.invalid(expected: "spatial 1", got: "\(spatial)") }
    for position in 1...4 {
      _ = try context.operand(position, of: .floatingPoint)
      try context.require(position, shape: [x.shape[1]])
    }
    guard try context.flag("training_mode", default: false) || context.opset < 14 else { return [x] }
    let statistics = TensorType(try context.type(3), [x.shape[1]])
    return context.opset < 14 ? [x] : [x, statistics, statistics]
  }

  private static func group(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try channels(context, rankAtLeast: 2)
    guard let groups = try context.int("num_groups"), groups >= 1, x.shape[1] % groups == 0 else {
      throw context.invalid(
        expected: "num_groups that divides \(x.shape[1]) channels",
        got: context.node.int("num_groups").map(String.init) ?? "none")
    }
    // Weights are per group in opset 18 and per channel from 21 on.
    for position in 1...2 { try context.require(position, shape: [context.opset >= 21 ? x.shape[1] : groups]) }
    return [x]
  }

  private static func layer(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0, of: .floatingPoint)
    let axis = try context.axis(try context.int("axis", default: -1), rank: x.rank)
    let normalized = Array(x.shape[axis...])
    for position in 1...2 where context.has(position) {
      try context.require(try context.shape(position), broadcastsTo: normalized)
    }
    let statistics = TensorType(.float32, Array(x.shape[..<axis]) + normalized.map { _ in 1 })
    return [x, statistics, statistics]
  }
}
