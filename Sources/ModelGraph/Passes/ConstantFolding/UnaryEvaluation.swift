import Foundation

/// Evaluates element-wise operators of one operand.
enum UnaryEvaluation {
  static let table: [String: Evaluator.Evaluate] = {
    var table: [String: Evaluator.Evaluate] = [
      "Neg": evaluate({ 0 &- $0 }, real: { -$0 }),
      "Abs": evaluate({ $0 < 0 ? 0 &- $0 : $0 }, real: { abs($0) }),
      "Sign": evaluate({ $0.signum() }, real: { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }),
      "Relu": evaluate({ max(0, $0) }, real: { max(0, $0) }),
      "Not": evaluate({ $0 == 0 ? 1 : 0 }, real: { $0 }),
      "BitwiseNot": evaluate({ ~$0 }, real: { $0 }),
      "Clip": clip,
    ]
    let real: [String: @Sendable (Double) -> Double] = [
      "Floor": { $0.rounded(.down) }, "Ceil": { $0.rounded(.up) }, "Round": { $0.rounded(.toNearestOrEven) },
      "Sqrt": { $0.squareRoot() }, "Exp": { exp($0) }, "Log": { log($0) }, "Reciprocal": { 1 / $0 },
      "Sin": { sin($0) }, "Cos": { cos($0) }, "Tan": { tan($0) }, "Tanh": { tanh($0) }, "Erf": { erf($0) },
      "Atan": { atan($0) }, "Sigmoid": { 1 / (1 + exp(-$0)) }, "Softplus": { $0 > 30 ? $0 : log1p(exp($0)) },
    ]
    for (op, function) in real { table[op] = evaluate(integer: nil, real: function) }
    return table
  }()

  /// Single-precision operands are computed in double and rounded once. Sign extension makes a `uint64` look negative,
  /// so operators whose result depends on the sign skip it.
  private static func evaluate(
    integer: (@Sendable (Int64) -> Int64)?, real: @escaping @Sendable (Double) -> Double
  ) -> Evaluator.Evaluate {
    { (context, types) throws(GraphError) in
      let x = try context.constant(0)
      let type = types[0]
      switch Lanes(x) {
      case .integers(let values):
        guard let integer, x.type != .uint64 else { return nil }
        return [Lanes.integers(values.map(integer)).tensor(type: type.type, shape: type.shape)]
      case .floats(let values):
        return [Lanes.floats(values.map { Float(real(Double($0))) }).tensor(type: type.type, shape: type.shape)]
      case .doubles(let values): return [Lanes.doubles(values.map(real)).tensor(type: type.type, shape: type.shape)]
      }
    }
  }

  private static func evaluate(
    _ integer: @escaping @Sendable (Int64) -> Int64, real: @escaping @Sendable (Double) -> Double
  ) -> Evaluator.Evaluate { evaluate(integer: integer, real: real) }

  private static func clip(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let type = types[0]
    guard type.type != .uint64 else { return nil }
    var result = Lanes(try context.constant(0))
    for (position, name) in [(1, "min"), (2, "max")] {
      let bound: Lanes
      if context.opset < 11 {
        guard context.node.attributes[name] != nil else { continue }
        let number = try context.float(name, default: 0)
        bound = Lanes(Lanes.floats([number]).tensor(type: type.type, shape: []))
      } else {
        guard context.has(position) else { continue }
        bound = Lanes(try context.constant(position))
      }
      // A bound below the minimum wins, as it does in the operator's definition min(max(x, low), high).
      switch (result, bound) {
      case (.integers(let x), .integers(let b)):
        result = .integers(x.map { position == 1 ? max($0, b[0]) : min($0, b[0]) })
      case (.floats(let x), .floats(let b)):
        result = .floats(x.map { position == 1 ? ($0 < b[0] ? b[0] : $0) : ($0 > b[0] ? b[0] : $0) })
      case (.doubles(let x), .doubles(let b)):
        result = .doubles(x.map { position == 1 ? ($0 < b[0] ? b[0] : $0) : ($0 > b[0] ? b[0] : $0) })
      default: return nil
      }
    }
    return [result.tensor(type: type.type, shape: type.shape)]
  }
}
