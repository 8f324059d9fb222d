import ModelGraph
import Testing

@Suite("Fusion into convolutions and products")
struct EpilogueFusionTests {
  @Test func aResidualBlockIsTwoNodes() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [1, 2, 8, 8])
    let a = builder.node("Relu", [builder.conv(x, [2, 2, 3, 3], ["pads": .ints([1, 1, 1, 1])])])
    let b = builder.conv(a, [2, 2, 3, 3], ["auto_pad": .string("SAME_UPPER")])
    let y = builder.node("Relu", [builder.node("Add", [x, b])])
    let (graph, records) = try builder.built(y).specializedAndFused()
    #expect(graph.ops == [".Conv", ".Conv"] && graph.nodes[0].outputs == [a] && graph.nodes[1].outputs == [y])
    #expect(graph.nodes[1].input(3) == x && graph.nodes[1].ints("pads") == [1, 1, 1, 1])
    #expect(graph.nodes.allSatisfy { Activation(of: $0)?.kind == .relu })
    #expect(records.map(\.nodes.count) == [3, 2])
  }

  @Test func ofTwoConvolutionsTheLaterTakesTheSum() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [1, 2, 8, 8])
    let main = builder.conv(x, [4, 2, 1, 1])
    let shortcut = builder.conv(x, [4, 2, 1, 1])
    let y = builder.node("Add", [main, shortcut])
    let (graph, _) = try builder.built(y).specializedAndFused()
    #expect(graph.ops == [".Conv", ".Conv"] && graph.nodes[0].outputs == [main])
    #expect(graph.nodes[1].input(3) == main && graph.nodes[1].outputs == [y])
  }

  @Test func theNodeStandsWhereTheSumStood() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [1, 3, 2])
    let product = builder.gemm(x, [2, 2])
    let later = builder.node("Exp", [x])
    let y = builder.node("Tanh", [builder.node("Add", [product, later])])
    let (graph, _) = try builder.built(y).specializedAndFused()
    #expect(graph.ops == ["Exp", ".Gemm"] && graph.nodes[1].input(3) == later)
  }

  @Test(arguments: ["broadcast", "twice", "another reader", "graph output", "kept", "depthwise"])
  func whatIsNoResidual(_ reason: String) throws {
    var builder = SmallGraph()
    let x = builder.input("x", [1, 2, 4, 4])
    let depthwise: [String: Attribute] = reason == "depthwise" ? ["group": .int(2)] : [:]
    let c = builder.conv(x, [2, reason == "depthwise" ? 1 : 2, 1, 1], depthwise)
    let small = builder.input("small", [1, 2, 1, 1])
    let other = reason == "broadcast" ? small : reason == "twice" ? c : x
    let y = builder.node("Add", [c, other])
    let z = builder.node("Exp", [reason == "another reader" ? c : x])
    let built = reason == "graph output" ? builder.built(y, z, c) : builder.built(y, z)
    let (graph, _) = try built.specializedAndFused(keeping: reason == "kept" ? [c] : [])
    #expect(graph.ops == [".Conv", "Add", "Exp"])
  }

  @Test func anActivationBeforeTheSumEndsTheFusion() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [1, 2, 4, 4])
    let y = builder.node("Add", [builder.node("Relu", [builder.conv(x, [2, 2, 1, 1])]), x])
    #expect(try builder.built(y).specializedAndFused().0.ops == [".Conv", "Add"])
  }

  @Test func clipReadsAttributesAndOperands() throws {
    for opset in [10, 13] {
      var builder = SmallGraph()
      builder.opset = opset
      let c = builder.conv(builder.input("x", [1, 2, 4, 4]), [2, 2, 1, 1])
      let y =
        opset == 10
        ? builder.node("Clip", [c], ["min": .float(-1), "max": .float(6)])
        : builder.node("Clip", [c, builder.number(-1), builder.number(6)])
      let (graph, _) = try builder.built(y).specializedAndFused()
      #expect(Activation(of: graph.nodes[0]) == Activation(.clip, alpha: -1, beta: 6))
    }
    var builder = SmallGraph()
    let c = builder.conv(builder.input("x", [1, 2, 4, 4]), [2, 2, 1, 1])
    let y = builder.node("Clip", [c, nil, builder.number(6)])
    #expect(try builder.built(y).specializedAndFused().0.ops == [".Conv", "Clip"], "one bound is no activation")
  }

  // MARK: Padding

  @Test func zeroPaddingGoesIntoTheWindow() throws {
    for op in ["Conv", "AveragePool"] {
      var builder = SmallGraph()
      let x = builder.input("x", [1, 2, 8, 8])
      let p = builder.node("Pad", [x, builder.integers([0, 0, 0, 1, 0, 0, 1, 1])])
      let y =
        op == "Conv"
        ? builder.conv(p, [2, 2, 3, 3], ["pads": .ints([1, 0, 0, 0])])
        : builder.node("AveragePool", [p], ["kernel_shape": .ints([3, 3])])
      let (graph, records) = try builder.built(y).specializedAndFused()
      #expect(graph.nodes.count == 1 && graph.nodes[0].input(0) == x && records.map(\.kind) == [.padding])
      #expect(graph.nodes[0].ints("pads") == (op == "Conv" ? [1, 1, 1, 1] : [0, 1, 1, 1]))
      if op == "AveragePool" { #expect(graph.nodes[0].int("count_include_pad") == 1) }
    }
  }

  @Test func otherPaddingStays() throws {
    let pads: [([Int64], Float, String)] = [
      ([0, 0, 1, 1, 0, 0, 1, 1], 1, "constant"), ([0, 1, 1, 1, 0, 1, 1, 1], 0, "constant"),
      ([0, 0, -1, 1, 0, 0, 1, 1], 0, "constant"), ([0, 0, 1, 1, 0, 0, 1, 1], 0, "reflect"),
    ]
    for (amounts, value, mode) in pads {
      var builder = SmallGraph()
      let x = builder.input("x", [1, 2, 8, 8])
      let p = builder.node(
        "Pad", [x, builder.integers(amounts), builder.number(value)], ["mode": .string(mode)])
      let channels = 2 + Int(amounts[1] + amounts[5])
      let y = builder.conv(p, [2, channels, 3, 3])
      #expect(try builder.built(y).specializedAndFused().0.ops == ["Pad", ".Conv"])
    }
    var builder = SmallGraph()
    let x = builder.input("x", [1, 2, 8, 8])
    let p = builder.node("Pad", [x, builder.integers([0, 0, 1, 1, 0, 0, 1, 1])])
    let y = builder.node("AveragePool", [p], ["kernel_shape": .ints([3, 3]), "pads": .ints([1, 1, 1, 1])])
    #expect(try builder.built(y).specializedAndFused().0.ops == ["Pad", "AveragePool"], "its own pads do not count")
  }

  // MARK: Movements

  @Test func transposesThatCancelGo() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [1, 8, 8, 2])
    let nchw = builder.transpose(x, [0, 3, 1, 2])
    let a = builder.transpose(builder.conv(nchw, [2, 2, 1, 1]), [0, 2, 3, 1])
    let b = builder.transpose(builder.conv(builder.transpose(a, [0, 3, 1, 2]), [2, 2, 1, 1]), [0, 2, 3, 1])
    let (graph, records) = try builder.built(b).specializedAndFused()
    #expect(graph.ops == ["Transpose", ".Conv", ".Conv", "Transpose"])
    #expect(records.map(\.kind) == [.movement])
    let (kept, _) = try builder.built(b).specializedAndFused(keeping: [a])
    #expect(kept.ops == ["Transpose", ".Conv", "Transpose", "Transpose", ".Conv", "Transpose"])
  }

  @Test func transposesAndReshapesMerge() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2, 3, 4])
    let t = builder.transpose(builder.transpose(x, [1, 0, 2]), [2, 1, 0])
    let flat = builder.node("Flatten", [builder.node("Unsqueeze", [t, builder.integers([0])])], ["axis": .int(2)])
    let y = builder.reshape(flat, [3, 8])
    let (graph, _) = try builder.built(y).specializedAndFused()
    #expect(graph.ops == ["Transpose", "Reshape"] && graph.nodes[0].ints("perm") == [2, 0, 1])
    #expect(graph.constant(graph.nodes[1].input(1))?.integers == [3, 8])
  }

  @Test func reshapesThatCancelGo() throws {
    var builder = SmallGraph()
    let x = builder.node("Exp", [builder.input("x", [2, 3])])
    let back = builder.reshape(builder.reshape(x, [6]), [2, 3])
    let y = builder.node("Exp", [back])
    let (graph, _) = try builder.built(y).specializedAndFused()
    #expect(graph.ops == ["Exp", "Exp"] && graph.nodes[1].inputs == [x])
    #expect(try builder.built(back).specializedAndFused().0.ops == ["Exp", "Reshape"], "an output stays")
  }

  @Test func aProductThatIsFlattenedForIsNot() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2, 3, 4])
    let product = builder.reshape(builder.gemm(builder.reshape(x, [6, 4]), [4, 4]), [2, 3, 4])
    let y = builder.node("Add", [product, x])
    let (graph, _) = try builder.built(y).specializedAndFused()
    #expect(graph.ops == [".Gemm"] && graph.nodes[0].input(0) == x && graph.nodes[0].input(3) == x)
  }
}
