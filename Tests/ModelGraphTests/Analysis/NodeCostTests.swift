import ModelGraph
import Testing

@Suite("Node cost")
struct NodeCostTests {
  @Test func aConvolutionCountsTwoPerMultiplyAdd() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [1, 4, 8, 8])
    let y = builder.node(
      "Conv", [x, builder.weights([6, 2, 3, 3]), builder.weights([6])],
      ["group": .int(2), "pads": .ints([1, 1, 1, 1])])
    let graph = try builder.built(y).specialized(inputShapes: [:])
    let cost = NodeCost(of: graph.nodes[0], in: graph)
    #expect(cost.flops == 2 * 6 * 64 * 2 * 9 + 6 * 64)
    #expect(cost.parameters == 6 * 2 * 9 + 6)
    #expect(cost.bytesRead == 4 * (4 * 64 + 108 + 6) && cost.bytesWritten == 4 * 6 * 64)
  }

  @Test func productsCountTheirInnerExtent() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [5, 3])
    let shared = builder.weights([3, 3])
    let first = builder.node("MatMul", [x, shared])
    let second = builder.node("Gemm", [first, shared], ["transB": .int(1)])
    let last = builder.node("Relu", [second])
    let graph = try builder.built(last).specialized(inputShapes: [:])
    #expect(graph.nodeCosts().map(\.flops) == [90, 90, 15])
    #expect(graph.totalCost().parameters == 9, "a weight read twice is one weight")
  }

  @Test func fusedOperatorsCountTheirParts() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2, 6, 8])
    let scores = builder.node(
      "Attention", [x, x, x], ["num_heads": .int(2), "scale": .float(1), "causal": .int(0)], domain: .apparate)
    let dense = builder.node(
      "Gemm", [scores, builder.weights([8, 8]), builder.weights([8]), x], Activation(.relu).attributes,
      domain: .apparate)
    let graph = try builder.built(dense).specialized(inputShapes: [:])
    #expect(graph.nodeCosts().map(\.flops) == [72 * 2 * 16 + 72 * 5 * 2, 96 * 2 * 8 + 96 * 3])
  }
}
