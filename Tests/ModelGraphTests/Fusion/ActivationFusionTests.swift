import ModelGraph
import Testing

@Suite("Fusion of activations")
struct ActivationFusionTests {
  typealias Spelling = @Sendable (inout SmallGraph, ValueID) -> ValueID

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let kind: Activation.Kind
    let spell: Spelling
    var testDescription: String { name }
  }

  private static func mul(_ graph: inout SmallGraph, _ a: ValueID, _ b: ValueID) -> ValueID {
    graph.node("Mul", [a, b])
  }

  private static func erf(_ graph: inout SmallGraph, _ x: ValueID, divides: Bool = true) -> ValueID {
    let scaled =
      divides
      ? graph.node("Div", [x, graph.number(1.4142135)]) : graph.node("Mul", [graph.number(0.70710677), x])
    return graph.node("Erf", [scaled])
  }

  private static func tanh(_ graph: inout SmallGraph, _ x: ValueID, cube: ValueID, coefficient: Float = 0.044715)
    -> ValueID
  {
    let small = graph.node("Mul", [graph.number(coefficient), cube])
    let inner = graph.node("Add", [x, small])
    return graph.node("Tanh", [graph.node("Mul", [inner, graph.number(0.7978846)])])
  }

  private static func clipped(_ graph: inout SmallGraph, _ x: ValueID) -> ValueID {
    graph.node("Clip", [graph.node("Add", [x, graph.number(3)]), graph.number(0), graph.number(6)])
  }

  static let cases: [Case] = [
    Case(name: "PyTorch GELU", kind: .gelu) { g, x in
      let sum = g.node("Add", [erf(&g, x), g.number(1)])
      return mul(&g, mul(&g, x, sum), g.number(0.5))
    },
    Case(name: "GELU, half first", kind: .gelu) { g, x in
      let half = mul(&g, g.number(0.5), x)
      return mul(&g, half, g.node("Add", [g.number(1), erf(&g, x, divides: false)]))
    },
    Case(name: "tf2onnx GELU", kind: .gelu) { g, x in
      let cdf = mul(&g, g.node("Add", [erf(&g, x), g.number(1)]), g.number(0.5))
      return mul(&g, x, cdf)
    },
    Case(name: "GELU, halves added", kind: .gelu) { g, x in
      mul(&g, g.node("Add", [mul(&g, erf(&g, x), g.number(0.5)), g.number(0.5)]), x)
    },
    Case(name: "GELU, divided by 2", kind: .gelu) { g, x in
      g.node("Div", [mul(&g, x, g.node("Add", [erf(&g, x), g.number(1)])), g.number(2)])
    },
    Case(name: "NewGELU", kind: .geluTanh) { g, x in
      let cube = g.node("Pow", [x, g.number(3)])
      let sum = g.node("Add", [tanh(&g, x, cube: cube), g.number(1)])
      return mul(&g, mul(&g, g.number(0.5), x), sum)
    },
    Case(name: "tanh GELU, multiplied cube", kind: .geluTanh) { g, x in
      let cube = mul(&g, x, mul(&g, x, x))
      return mul(&g, x, mul(&g, g.number(0.5), g.node("Add", [g.number(1), tanh(&g, x, cube: cube)])))
    },
    Case(name: "FastGELU", kind: .geluTanh) { g, x in
      let square = mul(&g, mul(&g, x, g.number(0.044715)), x)
      let argument = mul(&g, mul(&g, x, g.number(0.7978846)), g.node("Add", [g.number(1), square]))
      let half = mul(&g, x, g.number(0.5))
      return mul(&g, half, g.node("Add", [g.node("Tanh", [argument]), g.number(1)]))
    },
    Case(name: "SiLU", kind: .silu) { g, x in mul(&g, g.node("Sigmoid", [x]), x) },
    Case(name: "hard swish of hard sigmoid", kind: .hardSwish) { g, x in
      mul(&g, x, g.node("HardSigmoid", [x], ["alpha": .float(1 / 6), "beta": .float(0.5)]))
    },
    Case(name: "PyTorch hard swish", kind: .hardSwish) { g, x in
      g.node("Div", [mul(&g, x, clipped(&g, x)), g.number(6)])
    },
    Case(name: "tf2onnx hard swish", kind: .hardSwish) { g, x in
      mul(&g, x, mul(&g, clipped(&g, x), g.number(0.16666667)))
    },
    Case(name: "hard swish, relu and min", kind: .hardSwish) { g, x in
      let relu = g.node("Relu", [g.node("Add", [g.number(3), x])])
      return mul(&g, g.node("Div", [g.node("Min", [relu, g.number(6)]), g.number(6)]), x)
    },
    Case(name: "hard sigmoid", kind: .hardSigmoid) { g, x in g.node("Div", [clipped(&g, x), g.number(6)]) },
    Case(name: "max and min", kind: .clip) { g, x in
      g.node("Min", [g.node("Max", [x, g.number(-1)]), g.number(6)])
    },
    Case(name: "max with 0", kind: .relu) { g, x in g.node("Max", [g.number(0), x]) },
    Case(name: "ReLU and minimum", kind: .clip) { g, x in g.node("Min", [g.node("Relu", [x]), g.number(6)]) },
    Case(name: "LeakyRelu", kind: .leakyRelu) { g, x in g.node("LeakyRelu", [x]) },
    Case(name: "Tanh", kind: .tanh) { g, x in g.node("Tanh", [x]) },
    Case(name: "Sigmoid", kind: .sigmoid) { g, x in g.node("Sigmoid", [x]) },
    Case(name: "Gelu operator", kind: .geluTanh) { g, x in
      g.node("Gelu", [x], ["approximate": .string("tanh")])
    },
  ]

  @Test(arguments: cases) func everySpellingGoesIntoTheProductBeforeIt(_ spelling: Case) throws {
    for convolution in [true, false] {
      var builder = SmallGraph()
      let x = builder.input("x", convolution ? [1, 2, 4, 4] : [1, 3, 2])
      let product = convolution ? builder.conv(x, [2, 2, 1, 1]) : builder.gemm(x, [2, 2])
      let y = spelling.spell(&builder, product)
      let (graph, records) = try builder.built(y).specializedAndFused()
      #expect(graph.ops == [convolution ? ".Conv" : ".Gemm"])
      #expect(graph.nodes[0].outputs == [y] && Activation(of: graph.nodes[0])?.kind == spelling.kind)
      #expect(records.last?.kind == .epilogue)
    }
  }

  @Test(arguments: cases) func byItselfItIsOneNode(_ spelling: Case) throws {
    var builder = SmallGraph()
    let x = builder.node("Exp", [builder.input("x", [2, 3])])
    let y = spelling.spell(&builder, x)
    let (graph, _) = try builder.built(y).specializedAndFused()
    #expect(graph.ops.count == 2 && graph.nodes[1].inputs == [x] && graph.nodes[1].outputs == [y])
    if spelling.kind == .silu { #expect(graph.ops[1] == ".Activation") }
    if spelling.kind == .gelu || spelling.kind == .geluTanh { #expect(graph.ops[1] == "Gelu") }
    if spelling.kind == .hardSwish { #expect(graph.ops[1] == "HardSwish") }
  }

  @Test func constantsOfTheFormulaMatter() throws {
    let wrong: [Spelling] = [
      { g, x in
        let sum = g.node("Add", [g.node("Erf", [g.node("Div", [x, g.number(1.5)])]), g.number(1)])
        return g.node("Mul", [g.node("Mul", [x, sum]), g.number(0.5)])
      },
      { g, x in
        let sum = g.node("Add", [Self.erf(&g, x), g.number(1)])
        return g.node("Mul", [g.node("Mul", [x, sum]), g.number(0.6)])
      },
      { g, x in
        let cube = g.node("Pow", [x, g.number(3)])
        let sum = g.node("Add", [Self.tanh(&g, x, cube: cube, coefficient: 0.0448), g.number(1)])
        return g.node("Mul", [g.node("Mul", [g.number(0.5), x]), sum])
      },
      { g, x in g.node("Mul", [x, g.node("Sigmoid", [g.node("Mul", [x, g.number(1.702)])])]) },
      { g, x in g.node("Mul", [x, g.node("HardSigmoid", [x])]) },
    ]
    for spell in wrong {
      var builder = SmallGraph()
      let y = spell(&builder, builder.node("Exp", [builder.input("x", [2, 3])]))
      let before = builder.built(y)
      let after = try before.specializedAndFused().0.ops
      #expect(after == before.ops)
    }
  }

  @Test func whatOthersReadOfTheFormulaStays() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2, 3])
    let e = Self.erf(&builder, x)
    let y = builder.node(
      "Mul", [builder.node("Mul", [x, builder.node("Add", [e, builder.number(1)])]), builder.number(0.5)])
    #expect(try builder.built(y).specializedAndFused().0.ops == ["Gelu"])
    #expect(try builder.built(y, e).specializedAndFused().0.ops == ["Div", "Erf", "Add", "Mul", "Mul"])
    #expect(try builder.built(y).specializedAndFused(keeping: [e]).0.ops.count == 5)
    let other = builder.node("Exp", [e])
    #expect(try builder.built(y, other).specializedAndFused().0.ops.count == 6)
  }

  @Test func aConstantThatWidensTheShapeStays() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2])
    let y = builder.node("Max", [x, builder.number(0, [1, 1])])
    #expect(try builder.built(y).specializedAndFused().0.ops == ["Max"])
  }

  @Test func integersAreLeftAlone() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2], .int32)
    func number(_ value: Int32) -> ValueID { builder.constant(Tensor([value], shape: [])) }
    let clipped = builder.node("Clip", [builder.node("Add", [x, number(3)]), number(0), number(6)])
    let y = builder.node("Div", [clipped, number(6)])
    #expect(try builder.built(y).specializedAndFused().0.ops == ["Add", "Clip", "Div"])
    #expect(builder.built(y).optimized().0.ops == ["Add", "Clip", "Div"])
  }
}
