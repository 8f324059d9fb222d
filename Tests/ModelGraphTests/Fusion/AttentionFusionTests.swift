import ModelGraph
import Testing

@Suite("Fusion of attention")
struct AttentionFusionTests {
  /// How the same attention is written: 2 items of 3 positions, 2 heads of 4.
  struct Spelling: Sendable, CustomTestStringConvertible {
    var name: String
    var scale = "none"
    var keyInOneTranspose = true
    var flatRows = false
    var mask: @Sendable (inout SmallGraph, ValueID) -> ValueID = { $1 }
    var expectedScale: Float = 1
    var masks = 0
    var testDescription: String { name }
  }

  static let spellings: [Spelling] = [
    Spelling(name: "plain"),
    Spelling(name: "scores divided", scale: "Div scores", expectedScale: 0.5),
    Spelling(name: "scores multiplied", scale: "Mul scores", expectedScale: 2),
    Spelling(name: "queries scaled", scale: "Div query", expectedScale: 0.5),
    Spelling(name: "queries scaled before heads", scale: "Mul rows", expectedScale: 2),
    Spelling(name: "both scaled", scale: "Mul both", keyInOneTranspose: false, expectedScale: 4),
    Spelling(name: "two transposes of keys", keyInOneTranspose: false),
    Spelling(name: "rows in one matrix", scale: "Div scores", flatRows: true, expectedScale: 0.5),
    Spelling(
      name: "mask", scale: "Div scores", mask: { $0.node("Add", [$1, $0.input("mask", [2, 1, 1, 3])]) },
      expectedScale: 0.5, masks: 1),
    Spelling(name: "mask of lower rank", mask: { $0.node("Add", [$0.input("mask", [3, 3]), $1]) }, masks: 1),
    Spelling(name: "causal", mask: { AttentionFusionTests.causal(&$0, $1, fill: -1e4) }, masks: 1),
    Spelling(
      name: "causal and mask",
      mask: {
        $0.node(
          "Add",
          [AttentionFusionTests.causal(&$0, $1, fill: -.greatestFiniteMagnitude), $0.input("mask", [2, 1, 1, 3])])
      }, masks: 2),
    Spelling(
      name: "selected while it runs",
      mask: {
        let condition = $0.node("Expand", [$0.input("mask", [2, 1, 1, 3], .bool), $0.integers([2, 2, 3, 3])])
        return $0.node("Where", [condition, $0.number(-.infinity), $1])
      }, masks: 1),
  ]

  static func causal(_ graph: inout SmallGraph, _ scores: ValueID, fill: Float) -> ValueID {
    let triangle = graph.constant(
      Tensor(
        type: .bool, shape: [1, 1, 3, 3], storage: TensorStorage(copying: [1, 0, 0, 1, 1, 0, 1, 1, 1] as [UInt8])))
    return graph.node("Where", [triangle, scores, graph.number(fill)])
  }

  private struct Built {
    var graph = SmallGraph()
    var query: ValueID
    var key: ValueID
    var value: ValueID
    var probabilities: ValueID
    var result: ValueID

    func built(alsoGiving others: [ValueID] = []) -> Graph {
      var graph = graph.graph
      graph.outputs = [result] + others
      return graph
    }
  }

  private func spell(_ spelling: Spelling, softmaxAxis: Int64 = -1, finalShape: [Int64] = [2, 3, 8]) -> Built {
    var g = SmallGraph()
    let shape: Shape = spelling.flatRows ? [6, 8] : [2, 3, 8]
    let inputs = ["q", "k", "v"].map { g.input($0, shape) }
    func scaled(_ x: ValueID, _ place: String) -> ValueID {
      guard spelling.scale.hasSuffix(place) else { return x }
      return g.node(spelling.scale.hasPrefix("Div") ? "Div" : "Mul", [x, g.number(2)])
    }
    func heads(_ x: ValueID, _ permutation: [Int64]) -> ValueID {
      g.transpose(g.reshape(x, [2, 3, 2, 4]), permutation)
    }
    var q = scaled(heads(scaled(inputs[0], "rows"), [0, 2, 1, 3]), "query")
    q = scaled(q, "both")
    var k =
      spelling.keyInOneTranspose
      ? heads(inputs[1], [0, 2, 3, 1]) : g.transpose(heads(inputs[1], [0, 2, 1, 3]), [0, 1, 3, 2])
    k = scaled(k, "both")
    let v = heads(inputs[2], [0, 2, 1, 3])
    let scores = spelling.mask(&g, scaled(g.node("MatMul", [q, k]), "scores"))
    let p = g.node("Softmax", [scores], ["axis": .int(softmaxAxis)])
    let context = g.transpose(g.node("MatMul", [p, v]), [0, 2, 1, 3])
    let y = g.reshape(context, finalShape)
    return Built(graph: g, query: inputs[0], key: inputs[1], value: inputs[2], probabilities: p, result: y)
  }

  @Test(arguments: spellings) func everySpellingIsOneNode(_ spelling: Spelling) throws {
    let built = spell(spelling)
    let (graph, records) = try built.built().specializedAndFused()
    let node = try #require(graph.nodes.last)
    #expect(node.op == "Attention" && node.domain == .apparate && node.outputs == [built.result])
    #expect(node.int("num_heads") == 2 && node.float("scale") == spelling.expectedScale)
    #expect(node.inputs.count == (spelling.masks > 0 ? 4 : 3))
    for input in node.inputs.prefix(3) { #expect(graph[try #require(input)].fixedShape == [2, 3, 8]) }
    if !spelling.flatRows { #expect(node.inputs.prefix(3) == [built.query, built.key, built.value]) }
    #expect(graph.ops.dropLast().allSatisfy { ["Reshape", "Add", "Where"].contains($0) })
    #expect(records.contains { $0.kind == .attention })
  }

  @Test func aCausalMaskBecomesNumbersToAdd() throws {
    let built = spell(Spelling(name: "", mask: { Self.causal(&$0, $1, fill: -1e4) }))
    let (graph, _) = try built.built().specializedAndFused()
    let mask = try #require(graph.constant(graph.nodes[0].input(3)))
    #expect(mask.shape == [1, 1, 3, 3] && mask.floats == [0, -1e4, -1e4, 0, 0, -1e4, 0, 0, 0])
  }

  @Test func theResultMayHaveAnotherShape() throws {
    let built = spell(Spelling(name: ""), finalShape: [6, 8])
    let (graph, _) = try built.built().specializedAndFused()
    #expect(graph.ops == [".Attention", "Reshape"] && graph.nodes[1].outputs == [built.result])
  }

  @Test func layersShareTheSumOfTheirMasks() throws {
    var g = SmallGraph()
    var x = g.input("x", [2, 3, 8])
    let padding = g.input("padding", [2, 1, 1, 3])
    for _ in 0..<2 {
      func heads(_ permutation: [Int64]) -> ValueID { g.transpose(g.reshape(x, [2, 3, 2, 4]), permutation) }
      let scores = g.node("MatMul", [heads([0, 2, 1, 3]), heads([0, 2, 3, 1])])
      let masked = g.node("Add", [Self.causal(&g, scores, fill: -1e9), padding])
      let context = g.node("MatMul", [g.node("Softmax", [masked]), heads([0, 2, 1, 3])])
      x = g.node("MatMul", [g.reshape(g.transpose(context, [0, 2, 1, 3]), [2, 3, 8]), g.weights([8, 8])])
    }
    let (graph, _) = try g.built(x).specializedAndFused()
    #expect(graph.ops == ["Add", ".Attention", "MatMul", ".Attention", "MatMul"])
    #expect(graph.nodes[1].input(3) == graph.nodes[3].input(3))
  }

  @Test func oneProductForAllThreeIsSplit() throws {
    var g = SmallGraph()
    let qkv = g.gemm(g.input("x", [2, 3, 8]), [8, 24])
    let parts = g.nodes("Split", [qkv], outputs: 3, ["axis": .int(2), "num_outputs": .int(3)])
    func heads(_ x: ValueID, _ permutation: [Int64]) -> ValueID {
      g.transpose(g.reshape(x, [2, 3, 2, 4]), permutation)
    }
    let scores = g.node("MatMul", [heads(parts[0], [0, 2, 1, 3]), heads(parts[1], [0, 2, 3, 1])])
    let context = g.node("MatMul", [g.node("Softmax", [scores]), heads(parts[2], [0, 2, 1, 3])])
    let y = g.reshape(g.transpose(context, [0, 2, 1, 3]), [2, 3, 8])
    let (graph, _) = try g.built(y).specializedAndFused()
    #expect(graph.ops == [".Gemm", "Split", ".Attention"] && graph.nodes[2].inputs == parts.map { $0 })
  }

  @Test(arguments: [true, false]) func aStackOfHeadsIsSplit(_ gathers: Bool) throws {
    var g = SmallGraph()
    let qkv = g.gemm(g.input("x", [2, 3, 8]), [8, 24])
    let stack = g.transpose(g.reshape(qkv, [2, 3, 3, 2, 4]), [2, 0, 3, 1, 4])
    let parts =
      gathers
      ? (0..<3).map { g.node("Gather", [stack, g.constant(Tensor([Int64($0)], shape: []))]) }
      : g.nodes("Split", [stack], outputs: 3, ["num_outputs": .int(3)]).map {
        g.node("Squeeze", [$0, g.integers([0])])
      }
    let scores = g.node("MatMul", [parts[0], g.transpose(parts[1], [0, 1, 3, 2])])
    let scaled = g.node("Mul", [scores, g.number(0.5)])
    let context = g.node("MatMul", [g.node("Softmax", [scaled]), parts[2]])
    let y = g.reshape(g.transpose(context, [0, 2, 1, 3]), [2, 3, 8])
    let (graph, records) = try g.built(y).specializedAndFused()
    #expect(graph.ops == [".Gemm", "Split", ".Attention"])
    #expect(graph.nodes[2].inputs == graph.nodes[1].outputs && graph.nodes[2].float("scale") == 0.5)
    #expect(records.contains { $0.kind == .stackedHeads })
  }

  @Test func whatIsNoAttentionStays() throws {
    let first = spell(Spelling(name: ""), softmaxAxis: 2)
    #expect(try !first.built().specializedAndFused().0.ops.contains(".Attention"))
    let second = spell(Spelling(name: ""))
    #expect(
      try !second.built(alsoGiving: [second.probabilities]).specializedAndFused().0.ops.contains(".Attention"))
    let kept = try second.built().specializedAndFused(keeping: [second.probabilities])
    #expect(!kept.0.ops.contains(".Attention"))

    let masks: [@Sendable (inout SmallGraph, ValueID) -> ValueID] = [
      { $0.node("Div", [$0.node("Add", [$1, $0.input("mask", [2, 1, 1, 3])]), $0.number(2)]) },  // the mask is scaled
      { Self.causal(&$0, $1, fill: -10) },  // what it fills keeps some weight
      { $0.node("Where", [$0.input("mask", [2, 1, 1, 3], .bool), $1, $0.number(-1e9)]) },  // rows may be filled
      { $0.node("Where", [$0.constant(.zeros(.bool, [1, 1, 3, 3])), $1, $0.number(-1e9)]) },  // rows are filled
      { $0.node("Mul", [$1, $0.input("mask", [2, 1, 1, 3])]) },
    ]
    for mask in masks {
      let built = spell(Spelling(name: "", mask: mask))
      #expect(try !built.built().specializedAndFused().0.ops.contains(".Attention"))
    }
  }
}
