import ModelGraph
import Testing

@Suite("Constant folding")
struct ConstantFoldingTests {
  /// The constant that a node of constants folds to, `nil` when it stays a node.
  private func fold(
    _ op: String, _ operands: [Tensor?], _ attributes: [String: Attribute] = [:], opset: Int = 21
  ) -> Tensor? {
    var builder = SmallGraph()
    builder.opset = opset
    let inputs = operands.map { $0.map { builder.constant($0) } }
    let graph = builder.built(builder.node(op, inputs, attributes)).foldingConstants()
    return graph.constant(graph.outputs[0])
  }

  private func integers(_ values: Int64...) -> Tensor { Tensor(values, shape: [values.count]) }

  struct IntegerCase: Sendable {
    let op: String
    let a: [Int64]
    let b: [Int64]
    let expected: [Int64]?
    var attributes: [String: Attribute] = [:]
  }

  static let integerCases: [IntegerCase] = [
    .init(op: "Add", a: [.max], b: [1], expected: [.min]),
    .init(op: "Sub", a: [.min], b: [1], expected: [.max]),
    .init(op: "Mul", a: [1 << 62], b: [4], expected: [0]),
    .init(op: "Div", a: [7, -7, .min], b: [2, 2, -1], expected: [3, -3, .min]),
    .init(op: "Div", a: [1], b: [0], expected: nil),
    .init(op: "Mod", a: [7, -7, 7, -7], b: [3, 3, -3, -3], expected: [1, 2, -2, -1]),
    .init(op: "Mod", a: [7, -7, 7, -7], b: [3, 3, -3, -3], expected: [1, -1, 1, -1], attributes: ["fmod": .int(1)]),
    .init(op: "Mod", a: [.min], b: [-1], expected: [0]),
    .init(op: "Mod", a: [1], b: [0], expected: nil),
    .init(op: "Pow", a: [3, -1, 2, 2], b: [4, -3, -1, 64], expected: [81, -1, 0, 0]),
    .init(op: "Max", a: [1, -5], b: [0, 3], expected: [1, 3]),
    .init(op: "BitwiseXor", a: [5], b: [-1], expected: [-6]),
    .init(op: "Less", a: [1, 2], b: [2, 2], expected: [1, 0]),
    .init(op: "GreaterOrEqual", a: [1, 2], b: [2, 2], expected: [0, 1]),
  ]

  @Test(arguments: integerCases)
  func integerArithmeticIsExactAndWraps(_ expected: IntegerCase) {
    let result = fold(
      expected.op, [Tensor(expected.a, shape: [expected.a.count]), Tensor(expected.b, shape: [expected.b.count])],
      expected.attributes)
    #expect(result?.integers == expected.expected)
  }

  @Test func narrowTypesWrapAtTheirWidth() {
    func bytes(_ type: DataType, _ values: [UInt8]) -> Tensor {
      Tensor(type: type, shape: [values.count], storage: TensorStorage(copying: values))
    }
    #expect(fold("Add", [bytes(.uint8, [250]), bytes(.uint8, [10])])?.integers == [4])
    #expect(fold("Mul", [bytes(.int8, [100]), bytes(.int8, [2])])?.integers == [-56])
    #expect(
      fold("Add", [Tensor([Int32.max], shape: [1]), Tensor([Int32(1)], shape: [1])])?.integers == [-2_147_483_648])
    let large = Tensor(type: .uint64, shape: [1], storage: TensorStorage(copying: [UInt64.max]))
    let two = Tensor(type: .uint64, shape: [1], storage: TensorStorage(copying: [UInt64(2)]))
    #expect(fold("Div", [large, two])?.integers == [.max])
    #expect(fold("Greater", [large, two])?.integers == [1])
    #expect(fold("Cast", [large], ["to": .int(1)])?.floats == [0x1p64])
    #expect(
      fold("BitShift", [bytes(.uint8, [129]), bytes(.uint8, [1])], ["direction": .string("LEFT")])?.integers == [2])
  }

  @Test func castsTruncateSaturateAndRound() {
    let floats = Tensor([Float(-1.9), 2.9, .nan, 1e30], shape: [4])
    #expect(fold("Cast", [floats], ["to": .int(7)])?.integers == [-1, 2, 0, .max])
    #expect(fold("Cast", [floats], ["to": .int(2)])?.integers == [0, 2, 0, 255])
    #expect(fold("Cast", [floats], ["to": .int(9)])?.integers == [1, 1, 1, 1])
    let half = fold("Cast", [Tensor([Float(1) / 3], shape: [1])], ["to": .int(10)])
    #expect(half?.type == .float16 && half?.floats == [0.333251953125])
    #expect(fold("Cast", [integers(256 + 7)], ["to": .int(3)])?.integers == [7])
  }

  @Test func reshapedWeightsKeepTheirStorage() throws {
    let weights = Tensor((0..<6).map { Float($0) }, shape: [2, 3])
    for (op, second) in [("Reshape", integers(3, 2)), ("Unsqueeze", integers(0)), ("Identity", nil), ("Flatten", nil)] {
      let result = try #require(fold(op, second.map { [weights, $0] } ?? [weights]))
      #expect(result.storage === weights.storage, "\(op)")
    }
    #expect(fold("Cast", [weights], ["to": .int(1)])?.storage === weights.storage)
  }

  @Test func movementsMoveEveryElement() {
    let x = Tensor((0..<6).map { Float($0) }, shape: [2, 3])
    #expect(fold("Transpose", [x])?.floats == [0, 3, 1, 4, 2, 5])
    #expect(fold("Expand", [Tensor([Float(1), 2], shape: [2, 1]), integers(2, 3)])?.floats == [1, 1, 1, 2, 2, 2])
    #expect(
      fold("Tile", [Tensor([Float(1), 2], shape: [2, 1]), integers(2, 2)])?.floats == [1, 1, 2, 2, 1, 1, 2, 2])
    #expect(fold("Concat", [x, x], ["axis": .int(1)])?.floats == [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5])
    #expect(
      fold("Slice", [x, integers(-1, 0), integers(.min, 3), integers(1, 0), integers(-2, 1)])?.floats == [2, 0, 5, 3])
    #expect(fold("Gather", [x, integers(-1, 0)], ["axis": .int(1)])?.floats == [2, 0, 5, 3])
    #expect(fold("Gather", [x, integers(3)], ["axis": .int(1)]) == nil)
    #expect(fold("Pad", [x, integers(0, -1, 1, 1)])?.floats == [1, 2, 0, 4, 5, 0, 0, 0, 0])
    #expect(fold("Trilu", [x, Tensor([Int64(1)], shape: [])])?.floats == [0, 1, 2, 0, 0, 5])
    #expect(fold("Trilu", [x, Tensor([Int64.min], shape: [])], ["upper": .int(0)])?.floats == [0, 0, 0, 0, 0, 0])
    #expect(fold("Range", [5, 0, -2].map { Tensor([Int64($0)], shape: []) })?.integers == [5, 3, 1])
    #expect(
      fold("CumSum", [x, integers(1)], ["exclusive": .int(1), "reverse": .int(1)])?.floats == [3, 2, 0, 9, 5, 0])
    let condition = fold("Less", [x, Tensor([Float(2)], shape: [])])
    #expect(fold("Where", [condition, x, Tensor([Float(9)], shape: [1])])?.floats == [0, 1, 9, 9, 9, 9])
  }

  @Test func reductionsTakeGroupsOfAnyAxes() {
    let x = Tensor((1...8).map { Int64($0) }, shape: [2, 2, 2])
    #expect(fold("ReduceSum", [x, integers(0, 2)])?.integers == [14, 22])
    #expect(fold("ReduceProd", [x, integers(1)], ["keepdims": .int(0)])?.integers == [3, 8, 35, 48])
    #expect(fold("ReduceMax", [x, integers(0)])?.integers == [5, 6, 7, 8])
    #expect(fold("ReduceMean", [Tensor([Float(1), 2], shape: [2])], opset: 17)?.floats == [1.5])
    let empty = Tensor([Float](), shape: [2, 0])
    #expect(fold("ReduceSum", [empty, integers(1)])?.floats == [0, 0])
    #expect(fold("ReduceMax", [empty, integers(1)]) == nil)
  }

  @Test func broadcastingEqualsIndexing() {
    var random = SplitMix(state: 3)
    for _ in 0..<100 {
      let target = (0..<(1 + random.below(4))).map { _ in 1 + random.below(4) }
      func operand() -> Tensor {
        let shape = Array(target.map { random.below(2) == 0 ? $0 : 1 }.dropFirst(random.below(target.count)))
        return Tensor((0..<shape.elementCount).map { _ in Int64(random.below(100)) }, shape: shape)
      }
      let (a, b) = (operand(), operand())
      guard let sum = fold("Add", [a, b]) else {
        Issue.record("\(a.shape) + \(b.shape) did not fold")
        continue
      }
      func element(_ tensor: Tensor, _ position: [Int]) -> Int64 {
        let own = position.suffix(tensor.shape.count)
        let index = zip(zip(own, tensor.shape), tensor.shape.rowMajorStrides)
          .reduce(0) { $0 + ($1.0.1 == 1 ? 0 : $1.0.0) * $1.1 }
        return tensor.integers[index]
      }
      let strides = sum.shape.rowMajorStrides
      for index in 0..<sum.elementCount {
        let position = sum.shape.indices.map { index / strides[$0] % sum.shape[$0] }
        #expect(sum.integers[index] == element(a, position) + element(b, position))
      }
    }
  }

  @Test func whatDependsOnInputsStays() {
    var builder = SmallGraph()
    let x = builder.input("x", [.symbolic("n")])
    let two = builder.node("Sqrt", [builder.constant(Tensor([Float(4)], shape: []))])
    let y = builder.node("Mul", [x, two])
    let graph = builder.built(y).foldingConstants()
    #expect(graph.nodes.map(\.op) == ["Mul"])
    #expect(graph.constant(two)?.floats == [2])
  }
}
