import ModelGraph
import Testing

@Suite("Fusion at load")
struct LoadFusionTests {
  private let image: [Dimension] = [.symbolic("N"), .fixed(2), .symbolic("H"), .symbolic("W")]

  private func normalization(_ graph: inout SmallGraph, _ x: ValueID, channels: Int = 2) -> ValueID {
    let vectors = [[2, 4], [1, 0.5], [3, -1], [4, 0.25]].map { graph.floats(Array($0[..<channels].map { Float($0) })) }
    return graph.node("BatchNormalization", [x] + vectors, ["epsilon": .float(0)])
  }

  // MARK: Convolutions

  @Test func batchNormalizationGoesIntoTheConvolutionBeforeIt() throws {
    var builder = SmallGraph()
    let x = builder.input("x", image)
    let w = builder.floats([1, 2, 3, 4], [2, 2, 1, 1])
    let c = builder.node("Conv", [x, w, builder.floats([10, 20])])
    let y = normalization(&builder, c)
    let (graph, records) = builder.built(y).optimized()
    // scale = [2/2, 4/0.5] = [1, 8]; shift = [1 - 3, 0.5 + 8].
    #expect(graph.ops == ["Conv"] && graph.nodes[0].outputs == [y])
    #expect(graph.constant(graph.nodes[0].input(1))?.floats == [1, 2, 24, 32])
    #expect(graph.constant(graph.nodes[0].input(2))?.floats == [8, 168.5])
    #expect(records.map(\.kind) == [.affine])
    #expect(graph.constant(w) == nil, "the weights as they were are forgotten")
  }

  @Test func aChainPerChannelFoldsIntoOne() throws {
    var builder = SmallGraph()
    let x = builder.input("x", image)
    let c = builder.node("Conv", [x, builder.floats([1, 1, 1, 1], [2, 2, 1, 1])])
    let scaled = builder.node("Mul", [builder.floats([2, 3], [2, 1, 1]), c])
    let shifted = builder.node("Add", [scaled, builder.floats([5, 7], [1, 2, 1, 1])])
    let turned = builder.node("Sub", [builder.number(1), shifted])
    let y = builder.node("Div", [turned, builder.number(2, [1])])
    let (graph, _) = builder.built(y).optimized()
    #expect(graph.ops == ["Conv"])
    #expect(graph.constant(graph.nodes[0].input(1))?.floats == [-1, -1, -1.5, -1.5])
    #expect(graph.constant(graph.nodes[0].input(2))?.floats == [-2, -3])
  }

  @Test(arguments: ["another reader", "graph output", "kept", "constant per column", "constant of higher rank"])
  func whatDoesNotFold(_ reason: String) throws {
    var builder = SmallGraph()
    let x = builder.input("x", image)
    let c = builder.conv(x, [2, 2, 1, 1])
    let factor =
      switch reason {
      case "constant per column": builder.floats([2, 3])
      case "constant of higher rank": builder.floats([2], [1, 1, 1, 1, 1])
      default: builder.floats([2, 3], [2, 1, 1])
      }
    let y = builder.node("Mul", [c, factor])
    let other = builder.node("Relu", [reason == "another reader" ? c : x])
    let built = reason == "graph output" ? builder.built(y, other, c) : builder.built(y, other)
    let (graph, records) = built.optimized(keeping: reason == "kept" ? [c] : [])
    #expect(graph.ops == ["Conv", "Mul", "Relu"] && records.isEmpty)
  }

  @Test func trainingIsLeftAlone() throws {
    var builder = SmallGraph()
    let c = builder.conv(builder.input("x", image), [2, 2, 1, 1])
    let vectors = (0..<4).map { _ in builder.weights([2]) }
    let y = builder.node("BatchNormalization", [c] + vectors, ["training_mode": .int(1)])
    #expect(builder.built(y).optimized().0.ops == ["Conv", "BatchNormalization"])
  }

  @Test func batchNormalizationGoesIntoAConvolutionThatPadsNothing() throws {
    for pads in [[Int64](), [0, 0, 0, 0], [1, 1, 1, 1]] {
      var builder = SmallGraph()
      let n = normalization(&builder, builder.input("x", image))
      let attributes: [String: Attribute] = pads.isEmpty ? ["auto_pad": .string("VALID")] : ["pads": .ints(pads)]
      let y = builder.node(
        "Conv", [n, builder.floats([1, 2, 3, 4], [2, 2, 1, 1]), builder.floats([0, 1])], attributes)
      let (graph, _) = builder.built(y).optimized()
      if pads.contains(1) {
        #expect(graph.ops == ["Mul", "Add", "Conv"])
      } else {
        #expect(graph.ops == ["Conv"])
        // scale [1, 8], shift [-2, 8.5].
        #expect(graph.constant(graph.nodes[0].input(1))?.floats == [1, 16, 3, 32])
        #expect(graph.constant(graph.nodes[0].input(2))?.floats == [15, 29])
      }
    }
  }

  @Test func groupsScaleTheirOwnInputs() throws {
    var builder = SmallGraph()
    let n = normalization(&builder, builder.input("x", image))
    let y = builder.node("Conv", [n, builder.floats([1, 2], [2, 1, 1, 1])], ["group": .int(2)])
    let (graph, _) = builder.built(y).optimized()
    #expect(graph.constant(graph.nodes[0].input(1))?.floats == [1, 16])
    #expect(graph.constant(graph.nodes[0].input(2))?.floats == [-2, 17])
  }

  @Test func batchNormalizationByItselfIsAProductAndASum() throws {
    var builder = SmallGraph()
    let n = normalization(&builder, builder.input("x", image))
    let y = builder.node("Mul", [n, builder.number(2)])
    let (graph, _) = builder.built(y).optimized()
    #expect(graph.ops == ["Mul", "Add"] && graph.nodes[1].outputs == [y])
    let scale = try #require(graph.constant(graph.nodes[0].input(1)))
    #expect(scale.shape == [2, 1, 1] && scale.floats == [2, 16])
    #expect(graph.constant(graph.nodes[1].input(1))?.floats == [-4, 17])
  }

  @Test func batchNormalizationOfUnknownRankStays() throws {
    var builder = SmallGraph()
    let x = builder.input("x", image)
    let shape = builder.input("shape", [.symbolic("R")], .int64)
    let y = normalization(&builder, builder.node("Reshape", [x, shape]))
    #expect(builder.built(y).optimized().0.ops == ["Reshape", "BatchNormalization"])
  }

  @Test func weightsThatWouldOverflowStay() throws {
    var builder = SmallGraph()
    let x = builder.input("x", image, .float16)
    let w = builder.constant(
      Tensor(
        type: .float16, shape: [2, 2, 1, 1],
        storage: TensorStorage(copying: [Float](repeating: 6e4, count: 4).map(\.halfBits))))
    let two = builder.constant(
      Tensor(type: .float16, shape: [], storage: TensorStorage(copying: [Float(2).halfBits])))
    let y = builder.node("Mul", [builder.node("Conv", [x, w]), two])
    #expect(builder.built(y).optimized().0.ops == ["Conv", "Mul"])
  }

  // MARK: Products

  @Test func aProductAndItsBiasAreOne() throws {
    for biasFirst in [true, false] {
      var builder = SmallGraph()
      let x = builder.input("x", [.symbolic("N"), .symbolic("S"), .fixed(3)])
      let w = builder.weights([3, 2])
      let bias = builder.floats([1, 2])
      let product = builder.node("MatMul", [x, w])
      let y = builder.node("Add", biasFirst ? [bias, product] : [product, bias])
      let (graph, records) = builder.built(y).optimized()
      #expect(graph.ops == [".Gemm"] && graph.nodes[0].input(1) == w && graph.nodes[0].outputs == [y])
      #expect(graph.constant(graph.nodes[0].input(2))?.floats == [1, 2])
      #expect(records.first?.nodes == ["MatMul4", "Add5"] || records.first?.nodes.count == 2)
    }
  }

  @Test func aProductOfTwoComputedMatricesStays() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2, 2])
    let y = builder.node("MatMul", [x, x])
    let z = builder.node("MatMul", [builder.weights([2, 2]), y])
    #expect(builder.built(z).optimized().0.ops == ["MatMul", "MatMul"])
  }

  @Test func factorsOfAGemmAreFolded() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [.symbolic("N"), .fixed(2)])
    let w = builder.floats([1, 2, 3, 4, 5, 6], [3, 2])
    let y = builder.node(
      "Gemm", [x, w, builder.number(3)], ["transB": .int(1), "alpha": .float(2), "beta": .float(0.5)])
    let (graph, _) = builder.built(y).optimized()
    #expect(graph.ops == [".Gemm"])
    let weights = try #require(graph.constant(graph.nodes[0].input(1)))
    #expect(weights.shape == [3, 2] && weights.floats == [2, 4, 6, 8, 10, 12])
    #expect(graph.nodes[0].int("transB") == 1)
    #expect(graph.constant(graph.nodes[0].input(2))?.floats == [1.5, 1.5, 1.5])
  }

  @Test func aTransposedWeightThatIsSharedStaysShared() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2, 2])
    let w = builder.floats([1, 2, 3, 4], [2, 2])
    let a = builder.node("Gemm", [x, w], ["transB": .int(1)])
    let b = builder.node("Gemm", [a, w], ["transB": .int(1)])
    let (graph, _) = builder.built(b).optimized()
    #expect(graph.nodes[0].input(1) == graph.nodes[1].input(1))
    let (scaled, _) = builder.built(builder.node("Mul", [b, builder.number(2)])).optimized()
    #expect(scaled.ops == [".Gemm", ".Gemm", "Mul"], "a shared matrix is not scaled for one reader")
  }

  @Test func aGemmWithAMatrixAddedStays() throws {
    var builder = SmallGraph()
    let x = builder.input("x", [2, 2])
    let y = builder.node("Gemm", [x, builder.weights([2, 2]), builder.weights([2, 2])])
    let z = builder.node("Gemm", [y, builder.weights([2, 2]), builder.weights([2, 1])])
    let t = builder.node("Gemm", [z, builder.weights([2, 2])], ["transA": .int(1)])
    #expect(builder.built(t).optimized().0.ops == ["Gemm", "Gemm", "Gemm"])
  }

  @Test func batchNormalizationGoesIntoAMatrixProductOfRankTwoOnly() throws {
    for rank in [2, 3] {
      var builder = SmallGraph()
      let x = builder.input("x", [Int](repeating: 2, count: rank))
      let y = normalization(&builder, builder.node("MatMul", [x, builder.floats([1, 1, 1, 1], [2, 2])]))
      let (graph, _) = builder.built(y).optimized()
      #expect(graph.ops == (rank == 2 ? [".Gemm"] : [".Gemm", "BatchNormalization"]))
      if rank == 2 { #expect(graph.constant(graph.nodes[0].input(1))?.floats == [1, 8, 1, 8]) }
    }
  }

  @Test func hardSigmoidIsSeenBeforeItsSumIsFolded() throws {
    var builder = SmallGraph()
    let c = builder.conv(builder.input("x", image), [2, 2, 1, 1])
    let clipped = builder.node(
      "Clip", [builder.node("Add", [c, builder.number(3)]), builder.number(0), builder.number(6)])
    let y = builder.node("Div", [clipped, builder.number(6)])
    let (graph, records) = builder.built(y).optimized()
    #expect(graph.ops == ["Conv", "HardSigmoid"] && records.map(\.kind) == [.activation])
  }
}
