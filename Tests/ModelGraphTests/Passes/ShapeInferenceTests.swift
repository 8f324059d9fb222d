import Testing

@testable import ModelGraph

/// One node: its operands are graph inputs (shapes) or constants, and the shapes it must give.
struct OperatorCase: CustomTestStringConvertible, Sendable {
  enum Operand: Sendable {
    case shape(Shape, DataType = .float32)
    case constant(Tensor)
    case absent

    static func integers(_ values: Int64...) -> Operand { .constant(Tensor(values, shape: [values.count])) }
    static func scalar(_ value: Int64) -> Operand { .constant(Tensor([value], shape: [])) }
    static func floats(_ values: Float...) -> Operand { .constant(Tensor(values, shape: [values.count])) }
  }

  let op: String
  let opset: Int
  let operands: [Operand]
  let attributes: [String: Attribute]
  let expected: [Shape]
  let type: DataType

  init(
    _ op: String, _ operands: [Operand], _ attributes: [String: Attribute] = [:], gives expected: Shape...,
    type: DataType = .float32
  ) {
    self.init(op, 21, operands, attributes, expected: expected, type: type)
  }

  init(
    _ op: String, _ opset: Int, _ operands: [Operand], _ attributes: [String: Attribute] = [:],
    gives expected: Shape..., type: DataType = .float32
  ) {
    self.init(op, opset, operands, attributes, expected: expected, type: type)
  }

  private init(
    _ op: String, _ opset: Int, _ operands: [Operand], _ attributes: [String: Attribute], expected: [Shape],
    type: DataType
  ) {
    self.op = op
    self.opset = opset
    self.operands = operands
    self.attributes = attributes
    self.expected = expected
    self.type = type
  }

  var testDescription: String { "\(op)-\(opset) \(operands) \(attributes)" }

  func graph() -> Graph {
    var builder = SmallGraph()
    builder.opset = opset
    var inputs: [ValueID?] = []
    for (position, operand) in operands.enumerated() {
      switch operand {
      case .shape(let shape, let type): inputs.append(builder.input("in\(position)", shape, type))
      case .constant(let tensor): inputs.append(builder.constant(tensor))
      case .absent: inputs.append(nil)
      }
    }
    let outputs = builder.nodes(op, inputs, outputs: max(1, expected.count), attributes, named: "it")
    var graph = builder.graph
    graph.outputs = outputs
    return graph
  }
}

@Suite("Shape inference")
struct ShapeInferenceTests {
  static let elementwise: [OperatorCase] = [
    .init("Add", [.shape([2, 1, 4]), .shape([3, 1])], gives: [2, 3, 4]),
    .init("Add", [.shape([]), .shape([0, 3])], gives: [0, 3]),
    .init("Less", [.shape([2]), .shape([1])], gives: [2], type: .bool),
    .init("Sum", [.shape([2, 1]), .shape([3]), .shape([4, 1, 1])], gives: [4, 2, 3]),
    .init("Where", [.shape([3, 1], .bool), .shape([4]), .shape([])], gives: [3, 4]),
    .init("Cast", [.shape([2])], ["to": .int(7)], gives: [2], type: .int64),
    .init("Clip", 7, [.shape([5])], ["min": .float(0)], gives: [5]),
    .init("Clip", 13, [.shape([5]), .absent, .floats(6)], gives: [5]),
    .init("PRelu", [.shape([2, 3, 4]), .shape([3, 1])], gives: [2, 3, 4]),
    .init("Dropout", 13, [.shape([2, 3])], gives: [2, 3], [2, 3]),
  ]

  static let windows: [OperatorCase] = [
    .init("Conv", [.shape([2, 3, 8, 9]), .shape([6, 3, 3, 3])], gives: [2, 6, 6, 7]),
    .init(
      "Conv", [.shape([1, 4, 7]), .shape([4, 1, 3])],
      ["group": .int(4), "strides": .ints([2]), "pads": .ints([1, 1])], gives: [1, 4, 4]),
    .init(
      "Conv", [.shape([1, 1, 7, 7]), .shape([1, 1, 3, 3])],
      ["auto_pad": .string("SAME_UPPER"), "strides": .ints([2, 3])], gives: [1, 1, 4, 3]),
    .init(
      "Conv", [.shape([1, 1, 9, 9]), .shape([1, 1, 3, 3])],
      ["auto_pad": .string("VALID"), "dilations": .ints([2, 4])],
      gives: [1, 1, 5, 1]),
    .init("Conv", [.shape([0, 1, 4, 4, 4]), .shape([2, 1, 2, 2, 2])], gives: [0, 2, 3, 3, 3]),
    .init("MaxPool", [.shape([1, 2, 6, 6])], ["kernel_shape": .ints([3, 3])], gives: [1, 2, 4, 4], [1, 2, 4, 4]),
    .init(
      "AveragePool", [.shape([1, 2, 6, 7])],
      ["kernel_shape": .ints([3, 3]), "strides": .ints([2, 2]), "ceil_mode": .int(1)], gives: [1, 2, 3, 3]),
    // The last window would start in the padding after the input.
    .init(
      "MaxPool", [.shape([1, 1, 2])],
      ["kernel_shape": .ints([1]), "strides": .ints([2]), "ceil_mode": .int(1)], gives: [1, 1, 1]),
    .init("GlobalAveragePool", [.shape([2, 5, 3, 4])], gives: [2, 5, 1, 1]),
  ]

  static let reductions: [OperatorCase] = [
    .init("ReduceSum", [.shape([2, 3, 4]), .integers(-1, 0)], gives: [1, 3, 1]),
    .init("ReduceSum", 11, [.shape([2, 3])], ["axes": .ints([1]), "keepdims": .int(0)], gives: [2]),
    .init("ReduceMean", 17, [.shape([2, 3])], gives: [1, 1]),
    .init("ReduceMean", 18, [.shape([2, 3]), .integers()], ["noop_with_empty_axes": .int(1)], gives: [2, 3]),
    .init("ArgMax", [.shape([2, 3])], ["axis": .int(-1), "keepdims": .int(0)], gives: [2], type: .int64),
    .init("TopK", [.shape([2, 9]), .integers(3)], gives: [2, 3], [2, 3]),
    .init("TopK", 9, [.shape([5, 2])], ["k": .int(4), "axis": .int(0)], gives: [4, 2], [4, 2]),
    .init("Softmax", 11, [.shape([2, 3])], ["axis": .int(1)], gives: [2, 3]),
    .init("CumSum", [.shape([2, 3]), .scalar(-1)], gives: [2, 3]),
  ]

  static let movements: [OperatorCase] = [
    .init("Reshape", [.shape([2, 3, 4]), .integers(0, -1)], gives: [2, 12]),
    .init("Reshape", [.shape([0, 3]), .integers(3, 0)], ["allowzero": .int(1)], gives: [3, 0]),
    .init("Reshape", [.shape([1, 1]), .integers()], gives: []),
    .init("Flatten", [.shape([2, 3, 4])], ["axis": .int(-1)], gives: [6, 4]),
    .init("Flatten", [.shape([2, 3])], ["axis": .int(0)], gives: [1, 6]),
    .init("Squeeze", 11, [.shape([1, 3, 1])], ["axes": .ints([-1])], gives: [1, 3]),
    .init("Squeeze", [.shape([1, 3, 1])], gives: [3]),
    .init("Unsqueeze", [.shape([3]), .integers(-1, 0)], gives: [1, 3, 1]),
    .init("Transpose", [.shape([2, 3, 4])], ["perm": .ints([2, 0, 1])], gives: [4, 2, 3]),
    .init("Transpose", [.shape([2, 3, 4])], gives: [4, 3, 2]),
    .init("Expand", [.shape([3, 1]), .integers(2, 1, 4)], gives: [2, 3, 4]),
    .init("Tile", [.shape([2, 3]), .integers(2, 0)], gives: [4, 0]),
    .init("Concat", [.shape([2, 3]), .shape([2, 4])], ["axis": .int(-1)], gives: [2, 7]),
    .init("Split", [.shape([7, 2])], ["num_outputs": .int(3)], gives: [3, 2], [3, 2], [1, 2]),
    .init("Split", 13, [.shape([7]), .integers(2, 5)], gives: [2], [5]),
    .init("Split", 11, [.shape([4])], ["split": .ints([1, 3])], gives: [1], [3]),
    .init("Slice", [.shape([10, 5]), .integers(8), .integers(.min), .integers(0), .integers(-3)], gives: [3, 5]),
    .init("Slice", 9, [.shape([10])], ["starts": .ints([-3]), "ends": .ints([.max])], gives: [3]),
    .init("Slice", [.shape([4]), .integers(7), .integers(9)], gives: [0]),
    .init("Pad", [.shape([2, 3]), .integers(1, -1), .absent, .integers(-1)], gives: [2, 3]),
    .init("Pad", 10, [.shape([2, 3])], ["pads": .ints([0, 1, 2, 3])], gives: [4, 7]),
    .init("DepthToSpace", [.shape([1, 8, 2, 3])], ["blocksize": .int(2)], gives: [1, 2, 4, 6]),
    .init("SpaceToDepth", [.shape([1, 2, 4, 6])], ["blocksize": .int(2)], gives: [1, 8, 2, 3]),
    .init("Resize", [.shape([1, 1, 3, 5]), .absent, .floats(1, 1, 1.5, 2)], gives: [1, 1, 4, 10]),
    .init(
      "Resize", [.shape([1, 1, 4, 8]), .absent, .absent, .integers(8, 9)],
      ["axes": .ints([-2, -1]), "keep_aspect_ratio_policy": .string("not_larger")], gives: [1, 1, 5, 9]),
    .init("Resize", 10, [.shape([2, 2]), .floats(1, 3)], gives: [2, 6]),
    .init("Upsample", 7, [.shape([2, 2])], ["scales": .floats([1, 2])], gives: [2, 4]),
  ]

  static let others: [OperatorCase] = [
    .init("Gather", [.shape([5, 3]), .shape([2, 4], .int64)], ["axis": .int(1)], gives: [5, 2, 4]),
    .init("GatherElements", [.shape([5, 3]), .shape([5, 7], .int32)], ["axis": .int(1)], gives: [5, 7]),
    .init("GatherND", [.shape([2, 3, 4]), .shape([2, 5, 1], .int64)], ["batch_dims": .int(1)], gives: [2, 5, 4]),
    .init("MatMul", [.shape([2, 1, 3, 4]), .shape([5, 4, 6])], gives: [2, 5, 3, 6]),
    .init("MatMul", [.shape([4]), .shape([4])], gives: []),
    .init("MatMul", [.shape([4]), .shape([2, 4, 3])], gives: [2, 3]),
    .init(
      "Gemm", [.shape([4, 2]), .shape([3, 4]), .shape([3])], ["transA": .int(1), "transB": .int(1)], gives: [2, 3]),
    .init("BatchNormalization", [.shape([2, 3]), .shape([3]), .shape([3]), .shape([3]), .shape([3])], gives: [2, 3]),
    .init("LayerNormalization", [.shape([2, 3, 4]), .shape([4])], gives: [2, 3, 4], [2, 3, 1], [2, 3, 1]),
    .init(
      "GroupNormalization", [.shape([2, 6, 4]), .shape([6]), .shape([6])], ["num_groups": .int(3)], gives: [2, 6, 4]),
    .init(
      "GroupNormalization", 18, [.shape([2, 6, 4]), .shape([3]), .shape([3])], ["num_groups": .int(3)],
      gives: [2, 6, 4]),
  ]

  @Test(arguments: elementwise + windows + reductions + movements + others)
  func anOperatorGivesTheShapesOfItsDefinition(_ expected: OperatorCase) throws {
    let graph = expected.graph()
    let specialised = try graph.specialized(inputShapes: [:])
    #expect(specialised.outputs.map { specialised[$0].fixedShape } == expected.expected)
    #expect(specialised[specialised.outputs[0]].type == expected.type)
  }

  /// A node and a part of the message that it must give.
  static let broken: [(OperatorCase, String)] = [
    (.init("Add", [.shape([2]), .shape([3])], gives: []), "broadcast"),
    (.init("Add", [.shape([2]), .shape([2], .int32)], gives: []), "one type"),
    (.init("Sqrt", [.shape([2], .int32)], gives: []), "floating-point"),
    (.init("Conv", [.shape([1, 3, 2, 2]), .shape([4, 3, 3, 3])], gives: []), "window of at most 2"),
    (.init("Conv", [.shape([1, 3, 8, 8]), .shape([4, 2, 3, 3])], gives: []), "group"),
    (.init("Conv", [.shape([1, 1, 8]), .shape([1, 1, 3])], ["strides": .ints([0])], gives: []), "strides"),
    (.init("Conv", [.shape([1, 1, 8]), .shape([1, 1, 3])], ["pads": .ints([.max, .max])], gives: []), "pads"),
    (.init("MaxPool", [.shape([1, 1, 8])], gives: []), "kernel_shape"),
    (.init("MaxPool", [.shape([1, 1, 8])], ["kernel_shape": .ints([2]), "pads": .ints([2, 0])], gives: []), "pads"),
    (.init("ReduceSum", [.shape([2]), .integers(1)], gives: []), "axis"),
    (.init("ReduceSum", [.shape([2])], ["axes": .ints([0])], gives: []), "as an input"),
    (.init("ReduceSum", [.shape([2, 2]), .integers(0, -2)], gives: []), "distinct"),
    (.init("Softmax", [.shape([2])], ["axis": .float(1)], gives: []), "integer"),
    (.init("Reshape", [.shape([6]), .integers(-1, -1)], gives: []), "-1"),
    (.init("Reshape", [.shape([6]), .integers(4)], gives: []), "6 elements"),
    (.init("Reshape", [.shape([6]), .integers()], gives: []), "6 elements"),
    (.init("Pad", [.shape([2, 3]), .integers(1, -1)], gives: []), "4 pads"),
    (.init("Reshape", [.shape([0]), .integers(-1, 0)], gives: []), "0 only where"),
    (.init("Transpose", [.shape([2, 3])], ["perm": .ints([0, 0])], gives: []), "distinct"),
    (.init("Slice", [.shape([4]), .integers(0), .integers(4), .integers(0), .integers(0)], gives: []), "steps"),
    (.init("Pad", [.shape([2]), .integers(2, 0)], ["mode": .string("reflect")], gives: []), "reflect"),
    (.init("Pad", [.shape([2]), .integers(0, 1)], ["mode": .string("mirror")], gives: []), "constant, reflect"),
    (.init("Tile", [.shape([4, 4]), .integers(1 << 20, 1 << 20)], gives: []), "elements"),
    (.init("Expand", [.shape([1]), .integers(1, 1, 1, 1, 1, 1, 1, 1, 1)], gives: []), "extents"),
    (.init("Range", [.scalar(0), .scalar(9), .scalar(0)], gives: []), "delta"),
    (.init("Range", [.scalar(.min), .scalar(.max), .scalar(1)], gives: []), "elements"),
    (.init("TopK", [.shape([3]), .integers(4)], gives: []), "0...3"),
    (.init("Split", 13, [.shape([7])], gives: [4], [3]), "share"),
    (.init("Resize", [.shape([2]), .absent, .floats(.nan)], gives: []), "scales above 0"),
    (.init("MatMul", [.shape([2, 3]), .shape([2, 3])], gives: []), "inner extent"),
    (.init("Gemm", [.shape([2, 3]), .shape([3, 4]), .shape([3])], gives: []), "broadcasts"),
    (.init("Einsum", [.shape([2])], gives: []), "not supported"),
    (.init("Relu", [.shape([2]), .shape([2])], gives: []), "inputs"),
    (.init("Relu", [.shape([2])], gives: [2], [2]), "outputs"),
    (.init("Relu", [.absent], gives: []), "input at position 0"),
  ]

  @Test(arguments: broken)
  func aBrokenNodeIsAnErrorThatNamesItAndWhatWasExpected(_ broken: (OperatorCase, String)) throws {
    let error = #expect(throws: GraphError.self) { try broken.0.graph().specialized(inputShapes: [:]) }
    let text = "\(try #require(error))"
    #expect(text.contains("\"it\"") && text.contains(broken.0.op) && text.contains(broken.1), "\(text)")
  }

  @Test func hostileAttributesAndShapesNeverTrap() {
    var random = SplitMix(state: 7)
    let extents = [0, 1, 2, 3, 7, 16, 65_536]
    let numbers: [Int64] = [0, 1, -1, 2, 3, -2, 7, 1 << 31, -(1 << 31), .max, .min, 1 << 62]
    let names = [
      "axis", "axes", "perm", "kernel_shape", "strides", "pads", "dilations", "group", "k", "blocksize", "to", "split",
      "num_outputs", "keepdims", "size", "num_groups", "batch_dims", "starts", "ends", "start", "end", "scales",
      "value",
      "num_heads", "shape", "repeats", "mode", "auto_pad", "allowzero", "upper",
    ]
    let texts = ["SAME_UPPER", "VALID", "reflect", "wrap", "linear", "CRD", ""]
    var accepted = 0
    for round in 0..<20_000 {
      var builder = SmallGraph()
      builder.opset = random.pick([7, 9, 10, 11, 12, 13, 17, 18, 21])
      var attributes: [String: Attribute] = [:]
      for _ in 0..<random.below(4) {
        let list = (0..<random.below(5)).map { _ in random.pick(numbers) }
        attributes[random.pick(names)] = random.pick([
          .int(random.pick(numbers)), .ints(list), .float(1), .floats([2, .infinity]), .string(random.pick(texts)),
          .tensor(Tensor(list, shape: [list.count])),
        ])
      }
      let type = random.pick([DataType.float32, .int64, .float32, .bool, .float16])
      let inputs: [ValueID?] = (0..<random.below(5)).map { position in
        switch random.below(4) {
        case 0:
          let list = (0..<random.below(5)).map { _ in random.pick(numbers) }
          return builder.integers(list)
        case 1 where position > 1: return nil
        default:
          let shape = (0..<random.below(6)).map { _ in random.pick(extents) }
          return shape.checkedElementCount == nil ? nil : builder.input("in\(position)", shape, type)
        }
      }
      let ops = Self.allOperators
      let outputs = builder.nodes(
        ops[round % ops.count].op, inputs, outputs: 1 + random.below(2), attributes,
        domain: ops[round % ops.count].domain)
      var graph = builder.graph
      graph.outputs = outputs
      _ = graph.foldingConstants().shapeInputs()
      guard let specialised = try? graph.specialized(inputShapes: [:]) else { continue }
      accepted += 1
      _ = specialised.cutVertices()
      _ = specialised.totalCost()
    }
    #expect(accepted > 100)
  }

  static let allOperators: [(op: String, domain: OperatorDomain)] = {
    let families = [
      ElementwiseRules.rules, WindowRules.rules, ReductionRules.rules, MovementRules.rules, IndexingRules.rules,
      LinearRules.rules, NormalizationRules.rules,
    ]
    return families.flatMap { $0.keys.sorted().map { ($0, .onnx) } }
      + FusedRules.rules.keys.sorted().map { ($0, .apparate) }
      + MicrosoftRules.rules.keys.sorted().map { ($0, .microsoft) }
  }()
}

/// Deterministic pseudo-random numbers (SplitMix64).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
  mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }
}
