import ModelGraph
import Testing

@Suite("Fusion of layer normalisation")
struct LayerNormalizationFusionTests {
  /// How the same formula is written.
  struct Spelling: Sendable, CustomTestStringConvertible {
    var squares = "Pow"
    var divides = "Div"
    var subtractsTwice = false
    var gamma = true
    var beta = true
    var weightShape = [4]
    var axes: [Int64] = [-1]
    var testDescription: String {
      "\(squares), \(divides)\(subtractsTwice ? ", two differences" : ""), weights \(gamma) \(beta) \(weightShape)"
    }
  }

  static let spellings: [Spelling] = [
    Spelling(), Spelling(squares: "Mul"), Spelling(divides: "Reciprocal"), Spelling(divides: "1 / √"),
    Spelling(subtractsTwice: true), Spelling(beta: false), Spelling(gamma: false, beta: false),
    Spelling(gamma: false), Spelling(weightShape: [1, 1, 4]), Spelling(weightShape: [3, 4], axes: [1, 2]),
    Spelling(weightShape: [1], axes: [2]),
  ]

  private func spell(
    _ spelling: Spelling, _ graph: inout SmallGraph, _ x: ValueID, epsilon: Float = 1e-12, exponent: Float = 2
  ) -> (result: ValueID, deviation: ValueID) {
    let axes = graph.integers(spelling.axes)
    let mean = graph.node("ReduceMean", [x, axes])
    let d = graph.node("Sub", [x, mean])
    let again = spelling.subtractsTwice ? graph.node("Sub", [x, mean]) : d
    let square =
      spelling.squares == "Pow" ? graph.node("Pow", [d, graph.number(exponent)]) : graph.node("Mul", [d, d])
    let variance = graph.node("ReduceMean", [square, axes])
    let root = graph.node("Sqrt", [graph.node("Add", [variance, graph.number(epsilon)])])
    var y: ValueID
    switch spelling.divides {
    case "Div": y = graph.node("Div", [again, root])
    case "Reciprocal": y = graph.node("Mul", [graph.node("Reciprocal", [root]), again])
    default: y = graph.node("Mul", [again, graph.node("Div", [graph.number(1), root])])
    }
    let weight = [Float](repeating: 2, count: spelling.weightShape.reduce(1, *))
    if spelling.gamma { y = graph.node("Mul", [y, graph.floats(weight, spelling.weightShape)]) }
    if spelling.beta { y = graph.node("Add", [graph.floats(weight, spelling.weightShape), y]) }
    return (y, d)
  }

  @Test(arguments: spellings) func everySpellingIsOneNode(_ spelling: Spelling) throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2, 3, 4])
    let (y, _) = spell(spelling, &builder, builder.node("Add", [x, x]))
    let (graph, records) = try builder.built(y).specializedAndFused()
    #expect(graph.ops == ["Add", "LayerNormalization"])
    let node = graph.nodes[1]
    #expect(node.outputs == [y] && node.opset == 17 && node.float("epsilon") == 1e-12)
    #expect(node.int("axis") == -spelling.axes.count && node.inputs.count == (spelling.beta ? 3 : 2))
    let scale = try #require(graph.constant(node.input(1)))
    #expect(scale.floats.allSatisfy { $0 == (spelling.gamma ? 2 : 1) })
    #expect(records.map(\.kind) == [.layerNormalization])
  }

  @Test func kerasWritesItAsScaleAndShift() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2, 3, 4])
    let axes = builder.integers([2])
    let mean = builder.node("ReduceMean", [x, axes])
    let d = builder.node("Sub", [x, mean])
    let variance = builder.node("ReduceMean", [builder.node("Mul", [d, d]), axes])
    let root = builder.node("Sqrt", [builder.node("Add", [variance, builder.number(1e-3)])])
    let factor = builder.node("Mul", [builder.node("Reciprocal", [root]), builder.weights([4])])
    let shift = builder.node("Sub", [builder.weights([4]), builder.node("Mul", [mean, factor])])
    let y = builder.node("Add", [builder.node("Mul", [x, factor]), shift])
    let (graph, _) = try builder.built(y).specializedAndFused()
    #expect(graph.ops == ["LayerNormalization"] && graph.nodes[0].inputs.count == 3 && graph.nodes[0].input(0) == x)
  }

  @Test func castsAroundItGo() throws {
    var builder = SmallGraph()
    let half = builder.input("x", [2, 3, 4], .float16)
    let x = builder.node("Cast", [half], ["to": .int(1)])
    let (normal, _) = spell(Spelling(gamma: false, beta: false), &builder, x)
    let back = builder.node("Cast", [normal], ["to": .int(10)])
    let y = builder.node(
      "Add", [builder.node("Mul", [back, builder.weights([4], .float16)]), builder.weights([4], .float16)])
    let (graph, _) = try builder.built(y).specializedAndFused()
    #expect(graph.ops == ["LayerNormalization"] && graph.nodes[0].input(0) == half)
  }

  @Test func theSumBeforeItGoesIntoTheProductBeforeThat() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2, 3, 4])
    let sum = builder.node("Add", [builder.gemm(x, [4, 4]), x])
    let (y, _) = spell(Spelling(), &builder, sum)
    #expect(try builder.built(y).specializedAndFused().0.ops == [".Gemm", "LayerNormalization"])
  }

  @Test func whatIsNoLayerNormalisationStays() throws {
    for reason in ["cube", "other axis", "weights along rows", "deviation is an output", "deviation is kept"] {
      var builder = SmallGraph()
      let x = builder.input("x", [2, 3, 4])
      var spelling = Spelling()
      if reason == "other axis" { spelling.axes = [1] }
      if reason == "weights along rows" { spelling.weightShape = [3, 1] }
      let (y, d) = spell(spelling, &builder, x, exponent: reason == "cube" ? 3 : 2)
      let built = reason == "deviation is an output" ? builder.built(y, d) : builder.built(y)
      let (graph, _) = try built.specializedAndFused(keeping: reason == "deviation is kept" ? [d] : [])
      if reason == "weights along rows" {
        #expect(graph.ops == ["LayerNormalization", "Mul", "Add"])
      } else {
        #expect(graph.ops.count == built.nodes.count && !graph.ops.contains("LayerNormalization"))
      }
    }
  }
}
