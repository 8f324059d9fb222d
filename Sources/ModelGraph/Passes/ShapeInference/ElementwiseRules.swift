/// Operators that compute each element of the result from the elements at its place.
enum ElementwiseRules {
  static let rules: [String: OperatorRule] = {
    var rules: [String: OperatorRule] = [:]
    for op in floatingPointUnary { rules[op] = unary(accepting: .floatingPoint) }
    for op in ["Abs", "Neg", "Sign", "Relu", "Erf"] { rules[op] = unary(accepting: .numeric) }
    rules["Not"] = unary(accepting: .bool)
    rules["BitwiseNot"] = unary(accepting: .integer)
    rules["Identity"] = unary(accepting: .any)
    rules["IsNaN"] = unary(accepting: .floatingPoint, result: .bool)
    rules["IsInf"] = unary(accepting: .floatingPoint, result: .bool)
    for op in ["Add", "Sub", "Mul", "Div"] { rules[op] = binary(accepting: .numeric) }
    rules["Mod"] = OperatorRule(2, infer: modulo)
    for op in ["And", "Or", "Xor"] { rules[op] = binary(accepting: .bool) }
    for op in ["BitwiseAnd", "BitwiseOr", "BitwiseXor"] { rules[op] = binary(accepting: .integer) }
    for op in ["Less", "LessOrEqual", "Greater", "GreaterOrEqual"] {
      rules[op] = binary(accepting: .numeric, result: .bool)
    }
    rules["Equal"] = binary(accepting: .any, result: .bool)
    rules["BitShift"] = OperatorRule(2, infer: bitShift)
    rules["Pow"] = OperatorRule(2, infer: power)
    rules["PRelu"] = OperatorRule(2, infer: parametricRelu)
    rules["Where"] = OperatorRule(3, infer: select)
    rules["Clip"] = OperatorRule(1...3, infer: clip)
    rules["Cast"] = OperatorRule(1, infer: cast)
    rules["CastLike"] = OperatorRule(2) { (context) throws(GraphError) in
      [TensorType(try context.type(1), try context.shape(0))]
    }
    rules["Dropout"] = OperatorRule(1...3, shapeOperands: [1, 2], infer: dropout)
    for op in ["Max", "Min"] { rules[op] = variadic(accepting: .numeric) }
    for op in ["Sum", "Mean"] { rules[op] = variadic(accepting: .floatingPoint) }
    return rules
  }()

  private static let floatingPointUnary = [
    "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Celu", "Cos", "Cosh", "Elu", "Exp", "Floor", "Gelu",
    "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Mish", "Reciprocal", "Round", "Selu", "Sigmoid", "Sin", "Sinh",
    "Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "ThresholdedRelu",
  ]

  private static func unary(accepting kind: ElementKind, result: DataType? = nil) -> OperatorRule {
    OperatorRule(1) { (context) throws(GraphError) in
      let x = try context.operand(0, of: kind)
      return [TensorType(result ?? x.type, x.shape)]
    }
  }

  private static func binary(accepting kind: ElementKind, result: DataType? = nil) -> OperatorRule {
    OperatorRule(2) { (context) throws(GraphError) in
      let (a, b) = try context.sameTypeOperands(0, 1, of: kind)
      return [TensorType(result ?? a.type, try context.broadcast(a.shape, b.shape))]
    }
  }

  private static func variadic(accepting kind: ElementKind) -> OperatorRule {
    OperatorRule(1...OperatorRule.manyInputs) { (context) throws(GraphError) in
      var result = try context.operand(0, of: kind)
      for position in context.node.inputs.indices.dropFirst() {
        let (_, next) = try context.sameTypeOperands(0, position, of: kind)
        result.shape = try context.broadcast(result.shape, next.shape)
      }
      return [result]
    }
  }

  private static func modulo(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let (a, b) = try context.sameTypeOperands(0, 1, of: .numeric)
    let truncates = try context.flag("fmod", default: false)
    guard truncates || !a.type.isFloatingPoint else {
      throw context.invalid(expected: "fmod 1 for floating-point operands", got: "fmod 0 and \(a.type)")
    }
    return [TensorType(a.type, try context.broadcast(a.shape, b.shape))]
  }

  private static func bitShift(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let (a, b) = try context.sameTypeOperands(0, 1, of: .integer)
    guard !a.type.isSignedInteger else {
      throw context.invalid(expected: "unsigned integers", got: "\(a.type)")
    }
    let direction = try context.string("direction", default: "")
    guard direction == "LEFT" || direction == "RIGHT" else {
      throw context.invalid(expected: "direction LEFT or RIGHT", got: "\"\(direction)\"")
    }
    return [TensorType(a.type, try context.broadcast(a.shape, b.shape))]
  }

  private static func power(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let base = try context.operand(0, of: .numeric)
    let exponent = try context.operand(1, of: .numeric)
    return [TensorType(base.type, try context.broadcast(base.shape, exponent.shape))]
  }

  private static func parametricRelu(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let (x, slope) = try context.sameTypeOperands(0, 1, of: .numeric)
    try context.require(slope.shape, broadcastsTo: x.shape)
    return [x]
  }

  private static func select(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let condition = try context.operand(0, of: .bool)
    let (x, y) = try context.sameTypeOperands(1, 2, of: .any)
    let values = try context.broadcast(x.shape, y.shape)
    return [TensorType(x.type, try context.broadcast(condition.shape, values))]
  }

  private static func clip(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0, of: .numeric)
    if context.opset < 11, context.node.inputs.count > 1 {
      throw context.invalid(expected: "min and max as attributes before opset 11", got: "inputs")
    }
    for position in 1...2 where context.has(position) {
      let (_, bound) = try context.sameTypeOperands(0, position, of: .numeric)
      guard bound.shape.allSatisfy({ $0 == 1 }) else {
        throw context.invalid(expected: "input \(position): one number", got: "\(bound)")
      }
    }
    return [x]
  }

  private static func cast(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0)
    guard let code = try context.int("to"), let type = DataType(tensorProtoCode: code) else {
      throw context.invalid(
        expected: "attribute to: a supported element type", got: context.node.int("to").map { "code \($0)" } ?? "none")
    }
    return [TensorType(type, x.shape)]
  }

  private static func dropout(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0, of: .floatingPoint)
    return [x, TensorType(context.opset >= 10 ? .bool : x.type, x.shape)]
  }
}

/// Element types that an operator takes.
enum ElementKind: String, Sendable {
  case any = "any type"
  case numeric = "numbers"
  case floatingPoint = "floating-point numbers"
  case integer = "integers"
  case bool = "truth values"

  func contains(_ type: DataType) -> Bool {
    switch self {
    case .any: true
    case .numeric: type != .bool
    case .floatingPoint: type.isFloatingPoint
    case .integer: !type.isFloatingPoint && type != .bool
    case .bool: type == .bool
    }
  }
}

extension NodeContext {
  func operand(_ position: Int, of kind: ElementKind) throws(GraphError) -> TensorType {
    let operand = try operand(position)
    guard kind.contains(operand.type) else {
      throw invalid(expected: "input \(position): \(kind.rawValue)", got: "\(operand.type)")
    }
    return operand
  }

  func sameTypeOperands(
    _ a: Int, _ b: Int, of kind: ElementKind
  ) throws(GraphError) -> (TensorType, TensorType) {
    let first = try operand(a, of: kind)
    let second = try operand(b, of: kind)
    guard first.type == second.type else {
      throw invalid(expected: "inputs \(a) and \(b) of one type", got: "\(first.type) and \(second.type)")
    }
    return (first, second)
  }
}

extension DataType {
  /// The type that `TensorProto.DataType` numbers so; `nil` for strings, complex numbers and the narrow types.
  init?(tensorProtoCode code: Int) {
    switch code {
    case 1: self = .float32
    case 2: self = .uint8
    case 3: self = .int8
    case 4: self = .uint16
    case 5: self = .int16
    case 6: self = .int32
    case 7: self = .int64
    case 9: self = .bool
    case 10: self = .float16
    case 11: self = .float64
    case 12: self = .uint32
    case 13: self = .uint64
    default: return nil
    }
  }
}
