import ModelGraph
import Testing

@Suite("Cut vertices")
struct CutVerticesTests {
  /// A stem, residual blocks whose second shrinks the image through a convolution on the shortcut, and a head.
  private func residualNetwork(blocks: Int) throws -> Graph {
    var builder = SmallGraph()
    let image = builder.input("image", [1, 3, 16, 16])
    var x = builder.node("Relu", [builder.node("Conv", [image, builder.weights([4, 3, 1, 1])])], named: "stem")
    for block in 0..<blocks {
      let main = builder.node("Relu", [builder.node("Conv", [x, builder.weights([4, 4, 1, 1])])])
      let second = builder.node("Conv", [main, builder.weights([4, 4, 1, 1])])
      let shortcut = block == 1 ? builder.node("Conv", [x, builder.weights([4, 4, 1, 1])]) : x
      x = builder.node("Relu", [builder.node("Add", [second, shortcut])], named: "block\(block)")
    }
    let pooled = builder.node("Flatten", [builder.node("GlobalAveragePool", [x])], named: "pooled")
    let logits = builder.node("Gemm", [pooled, builder.weights([4, 2])], named: "logits")
    return try builder.built(logits).specialized(inputShapes: [:])
  }

  @Test func aResidualNetworkIsCutAfterItsBlocksAndNotInside() throws {
    let cuts = try residualNetwork(blocks: 3).cutVertices()
    #expect(cuts.map(\.name) == ["stem", "block0", "block1", "block2", "pooled"])
  }

  @Test func sharesOfOperationsRise() throws {
    let graph = try residualNetwork(blocks: 4)
    let cuts = graph.cutVertices()
    let total = graph.totalCost().flops
    for (earlier, later) in zip(cuts, cuts.dropFirst()) {
      #expect(earlier.node < later.node && earlier.cumulativeFLOPs < later.cumulativeFLOPs)
    }
    for cut in cuts {
      #expect(cut.flopShare > 0 && cut.flopShare < 1)
      #expect(cut.flopShare == Double(cut.cumulativeFLOPs) / Double(total))
      #expect(graph.nodes[cut.node].outputs.contains(cut.value))
    }
  }

  /// An encoder: embedded tokens, layers of attention and feed-forward, one mask that every layer reads.
  private func encoder(layers: Int) throws -> Graph {
    var builder = SmallGraph()
    let tokens = builder.input("tokens", [1, 6], .int64)
    let mask = builder.input("mask", [1, 6], .int64)
    let bias = builder.node(
      "Mul",
      [
        builder.node("Cast", [builder.node("Unsqueeze", [mask, builder.integers([1])])], ["to": .int(1)]),
        builder.constant(Tensor([Float(-10000)], shape: [])),
      ])
    let scale = builder.weights([8])
    var x = builder.node("Gather", [builder.weights([30, 8]), tokens], named: "embedding")
    for layer in 0..<layers {
      let query = builder.node("MatMul", [x, builder.weights([8, 8])])
      let key = builder.node(
        "Transpose", [builder.node("MatMul", [x, builder.weights([8, 8])])], ["perm": .ints([0, 2, 1])])
      let scores = builder.node("Add", [builder.node("MatMul", [query, key]), bias])
      let value = builder.node("MatMul", [x, builder.weights([8, 8])])
      let context = builder.node("MatMul", [builder.node("Softmax", [scores]), value])
      x = builder.node("LayerNormalization", [builder.node("Add", [context, x]), scale], named: "attention\(layer)")
      let hidden = builder.node("Gelu", [builder.node("MatMul", [x, builder.weights([8, 16])])])
      let output = builder.node("MatMul", [hidden, builder.weights([16, 8])])
      x = builder.node("LayerNormalization", [builder.node("Add", [output, x]), scale], named: "layer\(layer)")
    }
    let first = builder.node("Gather", [x, builder.integers([0])], ["axis": .int(1)], named: "first")
    return try builder.built(builder.node("MatMul", [first, builder.weights([8, 2])])).specialized(inputShapes: [:])
  }

  @Test func aMaskThatEveryLayerReadsDoesNotHinderCuts() throws {
    let names = try encoder(layers: 3).cutVertices().map(\.name)
    // Both halves of a layer end where one tensor carries everything.
    #expect(
      names == ["embedding", "attention0", "layer0", "attention1", "layer1", "attention2", "layer2", "first"])
  }

  @Test func anEdgeToALaterOutputHindersCuts() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [1, 4])
    let first = builder.node("MatMul", [x, builder.weights([4, 4])], named: "first")
    let second = builder.node("MatMul", [first, builder.weights([4, 4])], named: "second")
    let third = builder.node("MatMul", [second, builder.weights([4, 4])], named: "third")
    let last = builder.node("MatMul", [third, builder.weights([4, 4])], named: "last")
    let single = try builder.built(last).specialized(inputShapes: [:])
    #expect(single.cutVertices().map(\.name) == ["first", "second", "third"])
    let double = try builder.built(second, last).specialized(inputShapes: [:])
    #expect(double.cutVertices().map(\.name) == ["first"])
  }

  @Test func aGraphWithoutHeavyNodesHasNoCuts() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [4])
    let graph = try builder.built(builder.node("Exp", [builder.node("Relu", [x])])).specialized(inputShapes: [:])
    #expect(graph.cutVertices().isEmpty)
  }
}
