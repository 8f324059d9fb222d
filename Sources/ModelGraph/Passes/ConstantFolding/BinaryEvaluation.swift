import Foundation

/// Evaluates element-wise operators of two or more operands.
enum BinaryEvaluation {
  static let table: [String: Evaluator.Evaluate] = [
    "Add": arithmetic({ $0 &+ $1 }, single: { $0 + $1 }, double: { $0 + $1 }),
    "Sub": arithmetic({ $0 &- $1 }, single: { $0 - $1 }, double: { $0 - $1 }),
    "Mul": arithmetic({ $0 &* $1 }, single: { $0 * $1 }, double: { $0 * $1 }),
    "Div": divide, "Mod": modulo, "Pow": power, "BitShift": shift,
    "Max": minimumOrMaximum, "Min": minimumOrMaximum, "Sum": sum, "Mean": sum,
    "And": arithmetic({ $0 & $1 }), "Or": arithmetic({ $0 | $1 }), "Xor": arithmetic({ $0 ^ $1 }),
    "BitwiseAnd": arithmetic({ $0 & $1 }), "BitwiseOr": arithmetic({ $0 | $1 }), "BitwiseXor": arithmetic({ $0 ^ $1 }),
    "Equal": comparison({ $0 == $1 }, single: { $0 == $1 }, double: { $0 == $1 }),
    "Less": comparison({ $0 < $1 }, single: { $0 < $1 }, double: { $0 < $1 }),
    "LessOrEqual": comparison({ $0 <= $1 }, single: { $0 <= $1 }, double: { $0 <= $1 }),
    "Greater": comparison({ $0 > $1 }, single: { $0 > $1 }, double: { $0 > $1 }),
    "GreaterOrEqual": comparison({ $0 >= $1 }, single: { $0 >= $1 }, double: { $0 >= $1 }),
  ]

  private typealias Operation<Element> = @Sendable (Element, Element) -> Element
  private typealias Predicate<Element> = @Sendable (Element, Element) -> Bool

  /// Two operands of one type and the result's type.
  private static func operands(
    _ context: NodeContext, _ left: Int = 0, _ right: Int = 1
  ) throws(GraphError) -> (Tensor, Tensor) {
    (try context.constant(left), try context.constant(right))
  }

  private static func arithmetic(
    _ integer: @escaping Operation<Int64>, single: @escaping Operation<Float> = { a, _ in a },
    double: @escaping Operation<Double> = { a, _ in a }
  ) -> Evaluator.Evaluate {
    { (context, types) throws(GraphError) in
      let (a, b) = try operands(context)
      return combined(a, b, types[0], integer, single, double).map { [$0] }
    }
  }

  private static func combined(
    _ a: Tensor, _ b: Tensor, _ type: TensorType, _ integer: Operation<Int64>, _ single: Operation<Float>,
    _ double: Operation<Double>
  ) -> Tensor? {
    let broadcast = Broadcast(a.shape, b.shape, to: type.shape)
    switch (Lanes(a), Lanes(b)) {
    case (.integers(let x), .integers(let y)):
      return Lanes.integers(broadcast.map(x, y, integer)).tensor(type: type.type, shape: type.shape)
    case (.floats(let x), .floats(let y)):
      return Lanes.floats(broadcast.map(x, y, single)).tensor(type: type.type, shape: type.shape)
    case (.doubles(let x), .doubles(let y)):
      return Lanes.doubles(broadcast.map(x, y, double)).tensor(type: type.type, shape: type.shape)
    default: return nil
    }
  }

  private static func comparison(
    _ integer: @escaping Predicate<Int64>, single: @escaping Predicate<Float>, double: @escaping Predicate<Double>
  ) -> Evaluator.Evaluate {
    { (context, types) throws(GraphError) in
      let (a, b) = try operands(context)
      let type = types[0]
      let broadcast = Broadcast(a.shape, b.shape, to: type.shape)
      let results: [Int64]
      switch (ordered(a), ordered(b)) {
      case (.integers(let x), .integers(let y)): results = broadcast.map(x, y) { integer($0, $1) ? 1 : 0 }
      case (.floats(let x), .floats(let y)): results = broadcast.map(x, y) { single($0, $1) ? 1 : 0 }
      case (.doubles(let x), .doubles(let y)): results = broadcast.map(x, y) { double($0, $1) ? 1 : 0 }
      default: return nil
      }
      return [Lanes.integers(results).tensor(type: .bool, shape: type.shape)]
    }
  }

  /// Lanes that compare as the elements do: the bit patterns of `uint64` are shifted so that they compare as signed.
  private static func ordered(_ tensor: Tensor) -> Lanes {
    guard tensor.type == .uint64, case .integers(let values) = Lanes(tensor) else { return Lanes(tensor) }
    return .integers(values.map { $0 ^ .min })
  }

  private static func hasZero(_ tensor: Tensor) -> Bool {
    if case .integers(let values) = Lanes(tensor) { values.contains(0) } else { false }
  }

  private static func divide(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let (a, b) = try operands(context)
    guard !hasZero(b) else { return nil }
    let unsigned: Operation<Int64> = { x, y in Int64(bitPattern: UInt64(bitPattern: x) / UInt64(bitPattern: y)) }
    let signed: Operation<Int64> = { x, y in x.dividedReportingOverflow(by: y).partialValue }
    let quotient = a.type == .uint64 ? unsigned : signed
    return combined(a, b, types[0], quotient, { $0 / $1 }, { $0 / $1 }).map { [$0] }
  }

  private static func modulo(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let (a, b) = try operands(context)
    guard !hasZero(b) else { return nil }
    let truncates = try context.flag("fmod", default: false)
    let unsigned: Operation<Int64> = { x, y in Int64(bitPattern: UInt64(bitPattern: x) % UInt64(bitPattern: y)) }
    let signed: Operation<Int64> = { x, y in
      let rest = x.remainderReportingOverflow(dividingBy: y).partialValue
      return truncates || rest == 0 || (rest < 0) == (y < 0) ? rest : rest + y
    }
    let remainder = a.type == .uint64 ? unsigned : signed
    return combined(a, b, types[0], remainder, { fmod($0, $1) }, { fmod($0, $1) }).map { [$0] }
  }

  private static func power(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let (a, b) = try operands(context)
    let broadcast = Broadcast(a.shape, b.shape, to: types[0].shape)
    guard a.type != .uint64, b.type != .uint64 else { return nil }
    if case .integers(let x) = Lanes(a), case .integers(let y) = Lanes(b) {
      return [
        Lanes.integers(broadcast.map(x, y) { raised($0, to: $1) }).tensor(type: types[0].type, shape: types[0].shape)
      ]
    }
    let results = broadcast.map(Lanes(a).doubles, Lanes(b).doubles) { pow($0, $1) }
    return [Lanes.doubles(results).tensor(type: types[0].type, shape: types[0].shape)]
  }

  /// `base` to the power of `exponent`, modulo 2⁶⁴; fractions truncate to 0.
  private static func raised(_ base: Int64, to exponent: Int64) -> Int64 {
    if exponent < 0 { return base == 1 ? 1 : base == -1 ? (exponent & 1 == 0 ? 1 : -1) : 0 }
    var (result, factor, rest): (Int64, Int64, Int64) = (1, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result = result &* factor }
      factor = factor &* factor
      rest >>= 1
    }
    return result
  }

  private static func shift(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let (a, b) = try operands(context)
    let left = try context.string("direction", default: "") == "LEFT"
    // Smart shifts on unsigned lanes: a count of the width or more gives 0.
    let operation: Operation<Int64> = { x, count in
      let bits = UInt64(bitPattern: x)
      let places = UInt64(bitPattern: count)
      return Int64(bitPattern: left ? bits << places : bits >> places)
    }
    return combined(a, b, types[0], operation, { x, _ in x }, { x, _ in x }).map { [$0] }
  }

  /// Folds a variadic operator from the left.
  private static func accumulated(
    _ context: NodeContext, _ type: DataType, _ operation: (Tensor, Tensor, TensorType) -> Tensor?
  ) throws(GraphError) -> Tensor? {
    var result = try context.constant(0)
    for position in context.node.inputs.indices.dropFirst() {
      let next = try context.constant(position)
      let shape = try context.broadcast(result.shape, next.shape)
      guard let combined = operation(result, next, TensorType(type, shape)) else { return nil }
      result = combined
    }
    return result
  }

  private static func minimumOrMaximum(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    guard types[0].type != .uint64 else { return nil }
    let largest = context.node.op == "Max"
    // Not a number wins over any number, as in NumPy.
    let result = try accumulated(context, types[0].type) { a, b, type in
      largest
        ? combined(a, b, type, { max($0, $1) }, { $0 > $1 || $0.isNaN ? $0 : $1 }, { $0 > $1 || $0.isNaN ? $0 : $1 })
        : combined(a, b, type, { min($0, $1) }, { $0 < $1 || $0.isNaN ? $0 : $1 }, { $0 < $1 || $0.isNaN ? $0 : $1 })
    }
    return result.map { [$0] }
  }

  private static func sum(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let total = try accumulated(context, types[0].type) { a, b, type in
      combined(a, b, type, { $0 &+ $1 }, { $0 + $1 }, { $0 + $1 })
    }
    guard let total, context.node.op == "Mean" else { return total.map { [$0] } }
    let count = Double(context.node.inputs.count)
    return [Lanes.doubles(Lanes(total).doubles.map { $0 / count }).tensor(type: total.type, shape: total.shape)]
  }
}
