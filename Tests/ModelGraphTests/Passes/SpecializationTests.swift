import ModelGraph
import Testing

@Suite("Specialisation")
struct SpecializationTests {
  /// Flattens everything but the first axis, the way exporters write it: shape, gather, concat, reshape.
  private func flattening() -> (graph: Graph, x: ValueID) {
    var builder = SmallGraph()
    let x = builder.input("x", [.symbolic("batch"), .symbolic("rows"), .fixed(4)])
    let shape = builder.node("Shape", [x])
    let batch = builder.node("Gather", [shape, builder.constant(Tensor([Int64(0)], shape: []))], ["axis": .int(0)])
    let first = builder.node("Unsqueeze", [batch, builder.integers([0])])
    let target = builder.node("Concat", [first, builder.integers([-1])], ["axis": .int(0)])
    let doubled = builder.node("Add", [x, x])
    let y = builder.node("Reshape", [doubled, target], named: "y")
    return (builder.built(y), x)
  }

  @Test func shapeArithmeticIsFoldedAwayAndEveryReadValueIsFixed() throws {
    let (graph, x) = flattening()
    let specialised = try graph.specialized(inputShapes: [x: [2, 3, 4]])
    #expect(specialised.nodes.map(\.op) == ["Add", "Reshape"])
    #expect(specialised[specialised.outputs[0]].fixedShape == [2, 12])
    for value in specialised.nodes.flatMap({ $0.inputs + $0.outputs }).compactMap({ $0 }) {
      #expect(specialised[value].fixedShape != nil && specialised[value].type != nil)
    }
  }

  @Test func everyBatchSizeGivesItsOwnShapes() throws {
    let (graph, x) = flattening()
    for batch in [1, 7, 64] {
      let specialised = try graph.specialized(inputShapes: [x: [batch, 5, 4]])
      #expect(specialised[specialised.outputs[0]].fixedShape == [batch, 20])
    }
  }

  @Test func inputShapesAreCheckedAgainstTheDeclaration() {
    var builder = SmallGraph()
    let a = builder.input("a", [.symbolic("n"), .fixed(4)])
    let b = builder.input("b", [.symbolic("n")])
    let c = builder.input("c", [.symbolic("?"), .symbolic("")])
    let graph = builder.built(builder.node("Relu", [a]))
    let fine: [ValueID: Shape] = [a: [2, 4], b: [2], c: [3, 5]]
    let table: [([ValueID: Shape], GraphError)] = [
      ([a: [2]], .wrongShape(input: "a", expected: "[n, 4]", got: [2])),
      ([a: [2, 5]], .wrongShape(input: "a", expected: "[n, 4]", got: [2, 5])),
      ([b: [3]], .conflictingDimension(name: "n", input: "b", axis: 0, expected: 2, got: 3)),
      ([ValueID(99): [1]], .unknownInput(name: "%99", expected: ["a", "b", "c"])),
      ([graph.outputs[0]: [1]], .unknownInput(name: "Relu0", expected: ["a", "b", "c"])),
    ]
    for (change, expected) in table {
      #expect(throws: expected) { try graph.specialized(inputShapes: fine.merging(change) { $1 }) }
    }
    #expect(throws: GraphError.missingShape(input: "b", declared: "[n]")) {
      try graph.specialized(inputShapes: [a: [2, 4], c: [1, 1]])
    }
    for hostile in [[-1, 4], [Int.max, 4], [Int(Int32.max), 4]] {
      #expect(throws: GraphError.self) { try graph.specialized(inputShapes: fine.merging([a: hostile]) { $1 }) }
    }
  }

  @Test func valuesOfShapeInputsBecomeConstantsAndStayInputs() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [.symbolic("n")])
    let shape = builder.input("shape", [2], .int64)
    let y = builder.node("Reshape", [x, shape], named: "y")
    let graph = builder.built(y)
    #expect(graph.shapeInputs() == [shape])
    let value = Tensor([Int64(2), -1], shape: [2])
    let specialised = try graph.specialized(inputShapes: [x: [6]], inputValues: [shape: value])
    #expect(specialised.inputs == [x, shape])
    #expect(specialised[y].fixedShape == [2, 3])
    #expect(throws: GraphError.dataDependentShape(node: "y", input: "shape")) {
      try graph.specialized(inputShapes: [x: [6]])
    }
    #expect(throws: GraphError.wrongValue(input: "shape", expected: "int64 [2]", got: "float32 [2]")) {
      try graph.specialized(inputShapes: [x: [6]], inputValues: [shape: Tensor([Float(2), 3], shape: [2])])
    }
  }

  @Test func aShapeThatDependsOnDataNamesNodeAndValue() {
    var builder = SmallGraph()
    let x = builder.input("x", [4])
    let count = builder.node(
      "Cast", [builder.node("Sigmoid", [builder.node("MatMul", [x, x])])], ["to": .int(7)], named: "count")
    let graph = builder.built(
      builder.node(
        "Expand", [x, builder.node("Reshape", [count, builder.integers([1])], named: "target")], named: "y"))
    #expect(throws: GraphError.dataDependentShape(node: "y", input: "target")) {
      try graph.specialized(inputShapes: [:])
    }
    #expect(graph.shapeInputs().isEmpty)
  }

  @Test func brokenGraphsAreErrors() {
    var builder = SmallGraph()
    let untyped = builder.input("x", [2])
    var graph = builder.built(builder.node("Relu", [untyped]))
    graph[untyped].type = nil
    #expect(throws: GraphError.untypedInput(name: "x")) { try graph.specialized(inputShapes: [:]) }
    graph[untyped].type = .float32
    let floating = graph.add(Value(name: "nowhere", type: .float32, shape: [.fixed(2)]))
    var reading = graph
    reading.nodes[0].inputs = [floating]
    #expect(throws: GraphError.undefinedValue(node: "Relu0", value: "nowhere")) {
      try reading.specialized(inputShapes: [:])
    }
    var output = graph
    output.outputs.append(floating)
    #expect(throws: GraphError.undefinedValue(node: "output", value: "nowhere")) {
      try output.specialized(inputShapes: [:])
    }
  }

  @Test func aLargeFilledTensorBecomesAnExpandOfOneElement() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [.symbolic("n"), .fixed(1024)])
    let filled = builder.node(
      "ConstantOfShape", [builder.node("Shape", [x])], ["value": .tensor(Tensor([Float(3)], shape: [1]))])
    let graph = builder.built(builder.node("Add", [x, filled]))
    let small = try graph.specialized(inputShapes: [x: [2, 1024]])
    #expect(small.nodes.map(\.op) == ["Add"])
    let large = try graph.specialized(inputShapes: [x: [4096, 1024]])
    #expect(large.nodes.map(\.op) == ["Expand", "Add"])
    #expect(large.constant(large.nodes[0].inputs[0])?.floats == [3])
  }

  @Test func foldingForShapesHasALimit() {
    var builder = SmallGraph()
    let size = builder.integers([1 << 28])
    let filled = builder.node("ConstantOfShape", [size], ["value": .tensor(Tensor([Int64(1)], shape: [1]))])
    let total = builder.node("ReduceSum", [filled, builder.integers([0])])
    let x = builder.input("x", [1])
    let graph = builder.built(builder.node("Expand", [x, total]))
    #expect(throws: GraphError.foldingLimit(node: "ConstantOfShape0", op: "ConstantOfShape", byteLimit: 1 << 30)) {
      try graph.specialized(inputShapes: [:])
    }
    #expect(graph.foldingConstants().nodes.count == 3)
  }

  @Test func shapeInputsAreFoundThroughIntegerArithmeticButNotThroughShape() {
    var builder = SmallGraph()
    let x = builder.input("x", [.symbolic("n"), .symbolic("m")])
    let length = builder.input("length", [1], .int64)
    let repeats = builder.input("repeats", [2], .int64)
    let low = builder.input("low", Shape())
    let end = builder.node("Add", [builder.node("Mul", [length, builder.integers([2])]), builder.integers([1])])
    let sliced = builder.node("Slice", [x, builder.integers([0]), end])
    let tiled = builder.node("Tile", [sliced, repeats])
    let clipped = builder.node("Clip", [tiled, low])
    let shaped = builder.node("Reshape", [clipped, builder.node("Shape", [x])])
    #expect(builder.built(shaped).shapeInputs() == [length, repeats])
  }
}
