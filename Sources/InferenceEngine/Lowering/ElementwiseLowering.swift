import ModelGraph

/// Lowers operators that compute each element of the result from the elements at its place: one kernel per expression.
enum ElementwiseLowering {
  static let operators: [String: OperatorLowering.Lower] = {
    var table: [String: OperatorLowering.Lower] = [
      "Clip": { try clip($0, &$1) }, "Cast": { try cast($0, &$1) }, "CastLike": { try cast($0, &$1) },
      "Where": { try same($0, "a ? b : c", &$1) }, "Mod": { try mod($0, &$1) }, "Pow": { try pow($0, &$1) },
      "BitShift": { try bitShift($0, &$1) }, "Gelu": { try gelu($0, &$1) }, "IsInf": { try isInf($0, &$1) },
      "Mean": { try mean($0, &$1) },
    ]
    for (op, text) in unary { table[op] = { try same($0, text($0, $1.isReal($0)), &$1) } }
    for (op, text) in binary { table[op] = { try same($0, text($1.isReal($0)), &$1) } }
    for (op, text) in variadic { table[op] = { try fold($0, text($1.isReal($0)), &$1) } }
    return table
  }()

  static let fusedOperators: [String: OperatorLowering.Lower] = [
    "Activation": { node, lowering in
      guard let activation = Activation(of: node) else {
        throw EngineError.unsupported(node: node.name, op: node.op, reason: "it names no activation")
      }
      try same(node, ActivationExpression.text(for: activation, of: "a", cast: "(T0)"), &lowering)
    }
  ]

  // MARK: Tables

  /// Expressions in `a`. The flag says whether `a` is floating-point.
  private static let unary: [String: @Sendable (Node, Bool) -> String] = [
    "Abs": { $1 ? "fabs(a)" : "(a < 0 ? -a : a)" },
    "Acos": { _, _ in "acos(a)" }, "Acosh": { _, _ in "acosh(a)" }, "Asin": { _, _ in "asin(a)" },
    "Asinh": { _, _ in "asinh(a)" }, "Atan": { _, _ in "atan(a)" }, "Atanh": { _, _ in "atanh(a)" },
    "BitwiseNot": { _, _ in "~a" }, "Ceil": { _, _ in "ceil(a)" }, "Cos": { _, _ in "cos(a)" },
    "Cosh": { _, _ in "cosh(a)" }, "Erf": { $1 ? "error_function(a)" : "error_function((float)a)" },
    "Exp": { _, _ in "exponential(a)" }, "Floor": { _, _ in "floor(a)" },
    "HardSwish": { _, _ in ActivationExpression.text(for: Activation(.hardSwish), of: "a", cast: "(T0)") },
    "IsNaN": { _, _ in "(a != a)" }, "Log": { _, _ in "log(a)" },
    "Mish": { _, _ in "mish(a)" },
    "Neg": { _, _ in "-a" }, "Not": { _, _ in "!a" }, "Reciprocal": { _, _ in "(TO)1 / a" },
    "Relu": { _, _ in "(a < 0 ? (T0)0 : a)" }, "Round": { _, _ in "rint(a)" },
    "Sigmoid": { _, _ in "sigmoid(a)" },
    "Sign": { real, isReal in isReal ? "(a != a ? a : (T0)((a > 0) - (a < 0)))" : "((a > 0) - (a < 0))" },
    "Sin": { _, _ in "sin(a)" }, "Sinh": { _, _ in "sinh(a)" },
    "Softplus": { _, _ in "softplus(a)" },
    "Softsign": { _, _ in "(a / ((T0)1 + fabs(a)))" }, "Sqrt": { _, _ in "sqrt(a)" }, "Tan": { _, _ in "tan(a)" },
    "Tanh": { _, _ in "hyperbolic_tangent(a)" },
    "Celu": { node, _ in "(a < 0 ? \(alpha(node, 1)) * exponential_less_1(a / \(alpha(node, 1))) : a)" },
    "Elu": { node, _ in "elu(a, (T0)\(alpha(node, 1)))" },
    "Selu": { node, _ in
      let gamma = ActivationExpression.literal(node.float("gamma") ?? 1.05070102)
      return "(\(gamma) * elu(a, (T0)\(alpha(node, 1.67326319))))"
    },
    "HardSigmoid": { node, _ in
      ActivationExpression.text(
        for: Activation(.hardSigmoid, alpha: node.float("alpha") ?? 0.2, beta: node.float("beta") ?? 0.5),
        of: "a", cast: "(T0)")
    },
    "LeakyRelu": { node, _ in "(a < 0 ? (T0)\(alpha(node, 0.01)) * a : a)" },
    "ThresholdedRelu": { node, _ in "(a > \(alpha(node, 1)) ? a : (T0)0)" },
  ]

  /// Expressions in `a` and `b`. The flag says whether `a` is floating-point. Integer division by zero gives 0.
  private static let binary: [String: @Sendable (Bool) -> String] = [
    "Add": { _ in "a + b" }, "Sub": { _ in "a - b" }, "Mul": { _ in "a * b" },
    "Div": { $0 ? "a / b" : "(b == 0 ? (TO)0 : (T1)-1 < 0 && b == (T1)-1 ? (TO)(0 - a) : (TO)(a / b))" },
    "And": { _ in "(a && b)" }, "Or": { _ in "(a || b)" }, "Xor": { _ in "(!a != !b)" },
    "BitwiseAnd": { _ in "a & b" }, "BitwiseOr": { _ in "a | b" }, "BitwiseXor": { _ in "a ^ b" },
    "Equal": { _ in "(a == b)" }, "Greater": { _ in "(a > b)" }, "GreaterOrEqual": { _ in "(a >= b)" },
    "Less": { _ in "(a < b)" }, "LessOrEqual": { _ in "(a <= b)" }, "PRelu": { _ in "(a < 0 ? a * b : a)" },
  ]

  /// Expressions that fold operands two by two.
  private static let variadic: [String: @Sendable (Bool) -> String] = [
    "Max": { $0 ? "(a != a ? a : b != b ? b : a > b ? a : b)" : "(a > b ? a : b)" },
    "Min": { $0 ? "(a != a ? a : b != b ? b : a < b ? a : b)" : "(a < b ? a : b)" },
    "Sum": { _ in "a + b" },
  ]

  @Sendable private static func alpha(_ node: Node, _ standard: Float) -> String {
    ActivationExpression.literal(node.float("alpha") ?? standard)
  }

  // MARK: Operators with rules of their own

  /// An expression of all inputs at their own types.
  private static func same(_ node: Node, _ expression: String, _ lowering: inout Lowering) throws {
    let operands = try node.inputs.compactMap { try $0.map { try lowering.view($0) } }
    try lowering.defineElementwise(node, expression, operands)
  }

  private static func fold(_ node: Node, _ expression: String, _ lowering: inout Lowering) throws {
    let operands = try node.inputs.compactMap { try $0.map { try lowering.view($0) } }
    guard let first = operands.first else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "it has no inputs")
    }
    if operands.count == 1 { return lowering.define(node.output(0), first) }
    var result = first
    for operand in operands[1...] {
      result = lowering.elementwise(
        expression, [result, operand], type: result.type,
        shape: Lowering.broadcast(result.shape, operand.shape))
    }
    lowering.define(node.output(0), result)
  }

  private static func mean(_ node: Node, _ lowering: inout Lowering) throws {
    try fold(node, "a + b", &lowering)
    guard let output = node.output(0), node.inputs.count > 1 else { return }
    let sum = try lowering.view(output)
    lowering.define(
      output, lowering.elementwise("a / (TO)\(node.inputs.count)", [sum], type: sum.type, shape: sum.shape))
  }

  private static func clip(_ node: Node, _ lowering: inout Lowering) throws {
    guard let input = node.input(0) else { return }
    var operands = [try lowering.view(input)]
    var expression = "a"
    // Opset 6 has attributes, later ones inputs.
    let bounds: [(ValueID?, Float?, String)] = [
      (node.input(1), node.float("min"), "<"), (node.input(2), node.float("max"), ">"),
    ]
    for (value, attribute, comparison) in bounds {
      let bound: String
      if let value {
        operands.append(try lowering.view(value))
        bound = ["b", "c"][operands.count - 2]
      } else if let attribute {
        bound = "(T0)\(ActivationExpression.literal(attribute))"
      } else {
        continue
      }
      expression = "((\(expression)) \(comparison) \(bound) ? \(bound) : (\(expression)))"
    }
    try lowering.defineElementwise(node, expression, operands)
  }

  private static func cast(_ node: Node, _ lowering: inout Lowering) throws {
    guard let input = node.input(0), let output = node.output(0) else { return }
    let view = try lowering.view(input)
    let target = try lowering.type(of: output)
    let source = try lowering.type(of: input)
    let expression =
      switch target {
      case .bool: "(a != 0)"
      case .float16 where source != .float16: "through_half((float)a)"
      case _ where source.isFloatingPoint && !target.isFloatingPoint: "convert_\(target.openCLName)_sat_rtz(a)"
      default: "a"
      }
    if expression == "a", view.type == target.deviceType { return lowering.define(output, view) }
    lowering.define(
      output, lowering.elementwise(expression, [view], type: target, shape: view.shape))
  }

  private static func mod(_ node: Node, _ lowering: inout Lowering) throws {
    let isSigned = node.input(0).flatMap { lowering.graph[$0].type }?.isSignedInteger ?? false
    // The most negative number divided by -1 overflows, and traps.
    let noRemainder = isSigned ? "b == 0 || b == -1" : "b == 0"
    let expression: String
    if lowering.isReal(node) {
      // fmod takes the sign of the dividend; without it the operator is meant for integers, but be of use.
      expression = node.int("fmod") == 1 ? "fmod(a, b)" : "(a - b * floor(a / b))"
    } else if node.int("fmod") == 1 {
      expression = "(\(noRemainder) ? (TO)0 : (TO)(a % b))"
    } else {
      // The sign of the divisor, as Python's %.
      expression =
        "(\(noRemainder) ? (TO)0 : (TO)(a % b != 0 && (a % b < 0) != (b < 0) ? a % b + b : a % b))"
    }
    try same(node, expression, &lowering)
  }

  private static func pow(_ node: Node, _ lowering: inout Lowering) throws {
    // A square, cube or root by name is exact and quick.
    if lowering.isReal(node), let exponents = lowering.constantFloats(node.input(1)), Set(exponents).count == 1,
      let input = node.input(0), let output = node.output(0), let exponent = exponents.first,
      let text = [2: "a * a", 3: "a * a * a", 0.5: "sqrt(a)", 1: "a", -1: "(TO)1 / a"][exponent],
      try lowering.shape(of: input) == lowering.shape(of: output)
    {
      let view = try lowering.view(input)
      return lowering.define(output, lowering.elementwise(text, [view], type: view.type, shape: view.shape))
    }
    if lowering.isReal(node) { return try same(node, "pow(a, (TO)b)", &lowering) }
    guard let base = node.input(0), let exponent = node.input(1) else { return }
    let type = try lowering.type(of: base).openCLName
    // Truncated, but not below a whole number that the power misses by a rounding.
    let isWhole = try !lowering.type(of: exponent).isFloatingPoint
    try same(
      node, isWhole ? "integer_power(a, b)" : "convert_\(type)_sat_rtz(pow((REAL)a, (REAL)b) * (REAL)(1 + 1e-12))",
      &lowering)
  }

  private static func bitShift(_ node: Node, _ lowering: inout Lowering) throws {
    let sign = node.string("direction") == "LEFT" ? "<<" : ">>"
    try same(node, "(b >= sizeof(T0) * 8 ? (TO)0 : (TO)(a \(sign) b))", &lowering)
  }

  private static func gelu(_ node: Node, _ lowering: inout Lowering) throws {
    let kind: Activation.Kind = node.string("approximate") == "tanh" ? .geluTanh : .gelu
    try same(node, ActivationExpression.text(for: Activation(kind), of: "a", cast: "(T0)"), &lowering)
  }

  private static func isInf(_ node: Node, _ lowering: inout Lowering) throws {
    let positive = node.int("detect_positive") ?? 1 != 0
    let negative = node.int("detect_negative") ?? 1 != 0
    try same(
      node, "((a > 0 && isinf(a) && \(positive ? 1 : 0)) || (a < 0 && isinf(a) && \(negative ? 1 : 0)))", &lowering)
  }
}

extension Lowering {
  /// Whether a node's first input is floating-point.
  fileprivate func isReal(_ node: Node) -> Bool {
    node.input(0).flatMap { graph[$0].type }?.isFloatingPoint ?? true
  }

  fileprivate mutating func defineElementwise(_ node: Node, _ expression: String, _ operands: [TensorView]) throws {
    guard let output = node.output(0) else { return }
    define(
      output,
      elementwise(expression, operands, type: try type(of: output), shape: try shape(of: output)))
  }

  static func broadcast(_ a: Shape, _ b: Shape) -> Shape {
    let rank = max(a.count, b.count)
    return (0..<rank).map { axis in
      let x = axis - (rank - a.count) >= 0 ? a[axis - (rank - a.count)] : 1
      let y = axis - (rank - b.count) >= 0 ? b[axis - (rank - b.count)] : 1
      return x == 1 ? y : x
    }
  }

  /// An operand of a result of some rank, copied into the result's layout if it is large and lies across it.
  private mutating func arranged(_ operand: TensorView, rank: Int, for layout: Layout) -> TensorView {
    guard operand.elementCount >= 1024 else { return operand }
    let view = operand.broadcast(to: [Int](repeating: 1, count: rank - operand.rank) + operand.shape)
    let inner = layout.order(rank: rank).last { view.shape[$0] != 1 }
    if let inner, view.strides[inner] != 0, view.strides[inner] != 1 {
      return layout == .channelsLast ? channelsLast(view) : rowMajor(view)
    }
    return view
  }

  /// A new tensor of `shape` whose elements are `expression` of the operands' (`a`, `b`, `c`, `d`), broadcast.
  ///
  /// The result lies as its largest operands do: channels-last if one of full shape does, else row-major.
  mutating func elementwise(
    _ expression: String, _ operands: [TensorView], type: DataType, shape: Shape
  ) -> TensorView {
    precondition((1...4).contains(operands.count), "an elementwise kernel has one to four operands")
    let layout: Layout =
      operands.contains { $0.shape == shape && $0.isChannelsLast && !$0.isRowMajor } ? .channelsLast : .rowMajor
    let operands = operands.map { arranged($0, rank: shape.count, for: layout) }
    let result = makeTensor(type: type, shape: shape, layout: layout)
    let order = layout.order(rank: shape.count)
    let loops = BroadcastLoops(
      extents: order.map { shape[$0] },
      strides: operands.map { operand in
        let lead = shape.count - operand.rank
        return order.map { axis in
          axis < lead || operand.shape[axis - lead] == 1 ? 0 : operand.strides[axis - lead]
        }
      })

    let letters = ["0", "1", "2", "3"]
    var defines: [KernelSpec.Define] = [
      .init(name: "OPERANDS", value: "\(operands.count)"), .init(name: "TO", value: result.type.openCLName),
      .init(name: "EXPR", value: expression),
    ]
    for (index, letter) in letters.enumerated() {
      let operand = operands[min(index, operands.count - 1)]
      let inner = index < operands.count ? loops.innerStrides[index] : 0
      defines.append(.init(name: "T\(letter)", value: operand.type.openCLName))
      defines.append(.init(name: "S\(letter)", value: inner == 0 || inner == 1 ? "\(inner)" : "-1"))
    }
    func padded(_ values: [Int], _ filler: Int) -> [Int] {
      [Int](repeating: filler, count: 8 - values.count) + values
    }
    let segment = target.family == .cpu ? 4096 : 64
    let segments = loops.length.dividedRoundingUp(by: segment)
    let inputs = (0..<4).map { Argument.input(operands[min($0, operands.count - 1)]) }
    let strides = (0..<4).map { index in
      Argument.int8(padded(index < operands.count ? loops.outerStrides[index] : [], 0), padding: 0)
    }
    emit(
      KernelSpec("elementwise", "elementwise").adding(defines),
      inputs + [
        .output(result), .int(loops.rows), .int(loops.length), .int(segment), .int8(padded(loops.outerExtents, 1)),
      ] + strides + [
        .int4(operands.map(\.offset)), .int4(loops.innerStrides),
      ], tasks: loops.rows * segments, cost: min(segment, loops.length))
    return result
  }
}

/// The loops over a broadcast result with dimensions merged wherever every operand allows: outer ones, and a row.
struct BroadcastLoops {
  private(set) var outerExtents: [Int] = []
  /// For each operand.
  private(set) var outerStrides: [[Int]]
  let length: Int
  let innerStrides: [Int]

  var rows: Int { outerExtents.reduce(1, *) }

  /// - Parameters:
  ///   - extents: of the result, outermost first.
  ///   - strides: for each operand, one per extent.
  init(extents: [Int], strides: [[Int]]) {
    var merged: [Int] = []
    var steps = [[Int]](repeating: [], count: strides.count)
    for axis in extents.indices where extents[axis] != 1 {
      let fits =
        !merged.isEmpty
        && strides.indices.allSatisfy { steps[$0][merged.count - 1] == strides[$0][axis] * extents[axis] }
      if fits {
        merged[merged.count - 1] *= extents[axis]
        for operand in strides.indices { steps[operand][merged.count - 1] = strides[operand][axis] }
      } else {
        merged.append(extents[axis])
        for operand in strides.indices { steps[operand].append(strides[operand][axis]) }
      }
    }
    length = merged.last ?? 1
    innerStrides = steps.map { $0.last ?? 0 }
    outerExtents = merged.dropLast()
    outerStrides = steps.map { $0.dropLast() }
  }
}
