import ModelGraph
import Testing

@Suite("Geometry")
struct GeometryTests {
  private func node(
    _ op: String, _ shapes: [Shape], _ constants: [Tensor] = [], _ attributes: [String: Attribute] = [:],
    opset: Int = 21
  ) -> (Node, Graph) {
    var builder = SmallGraph()
    builder.opset = opset
    let inputs = shapes.enumerated().map { builder.input("x\($0)", $1) } + constants.map { builder.constant($0) }
    let graph = builder.built(builder.node(op, inputs, attributes))
    return (graph.nodes[0], graph)
  }

  @Test func automaticPaddingIsResolved() throws {
    for (mode, begin, end) in [
      ("SAME_UPPER", [0, 1], [1, 2]), ("SAME_LOWER", [1, 2], [0, 1]), ("VALID", [0, 0], [0, 0]),
    ] {
      let (conv, graph) = node(
        "Conv", [[1, 2, 6, 6], [4, 2, 2, 4]], [], ["auto_pad": .string(mode), "strides": .ints([1, 1])])
      let geometry = try ConvolutionGeometry(of: conv, in: graph)
      #expect(geometry.padsBegin == begin && geometry.padsEnd == end, "\(mode)")
      #expect(geometry.outputExtents == (mode == "VALID" ? [5, 3] : [6, 6]))
    }
  }

  @Test func depthwiseIsSeen() throws {
    let (conv, graph) = node("Conv", [[1, 4, 6], [8, 1, 3]], [], ["group": .int(4)])
    let geometry = try ConvolutionGeometry(of: conv, in: graph)
    #expect(geometry.isDepthwise && geometry.outputShape == [1, 8, 4] && geometry.spatialRank == 1)
  }

  @Test func slicesFollowTheOperatorsClamping() throws {
    var random = SplitMix(state: 11)
    for _ in 0..<500 {
      let extent = random.below(7)
      let start = Int64(random.below(20) - 10)
      let end = Int64(random.below(20) - 10)
      let step = Int64(random.pick([-3, -2, -1, 1, 2, 3]))
      let (slice, graph) = node(
        "Slice", [[extent]],
        [start, end].map { Tensor([$0], shape: [1]) } + [Tensor([Int64(0)], shape: [1]), Tensor([step], shape: [1])])
      let geometry = try SliceGeometry(of: slice, in: graph)
      let picked = (0..<geometry.extents[0]).map { geometry.starts[0] + $0 * geometry.steps[0] }
      #expect(picked == defined(extent, Int(start), Int(end), Int(step)), "\(extent) [\(start):\(end):\(step)]")
    }
  }

  /// The positions by the text of ONNX `Slice`. It differs from Python where a negative step starts before the front:
  /// such a start is clamped to the first element, as ONNX Runtime does.
  private func defined(_ extent: Int, _ start: Int, _ end: Int, _ step: Int) -> [Int] {
    guard extent > 0 else { return [] }
    let starts = step > 0 ? 0...extent : 0...(extent - 1)
    let ends = step > 0 ? 0...extent : -1...(extent - 1)
    func clamped(_ position: Int, to range: ClosedRange<Int>) -> Int {
      max(range.lowerBound, min(range.upperBound, position < 0 ? position + extent : position))
    }
    return Array(stride(from: clamped(start, to: starts), to: clamped(end, to: ends), by: step))
  }

  @Test func padsAreSpreadOverAxes() throws {
    let (pad, graph) = node(
      "Pad", [[2, 3, 4]],
      [Tensor([Int64(1), 2, 3, -1], shape: [4]), Tensor([Float(7)], shape: []), Tensor([Int64(-1), 0], shape: [2])])
    let geometry = try PadGeometry(of: pad, in: graph)
    #expect(geometry.begins == [2, 0, 1] && geometry.ends == [-1, 0, 3])
    #expect(geometry.outputShape == [3, 3, 8] && geometry.value.floats == [7])
  }

  @Test func softmaxBeforeOpset13TakesAllAxesFromItsOwn() throws {
    let (old, oldGraph) = node("Softmax", [[2, 3, 4]], opset: 11)
    let (new, newGraph) = node("Softmax", [[2, 3, 4]], [], ["axis": .int(1)])
    let (before, after) = (try SoftmaxGeometry(of: old, in: oldGraph), try SoftmaxGeometry(of: new, in: newGraph))
    #expect(before.outer == 2 && before.extent == 12 && before.inner == 1)
    #expect(after.outer == 2 && after.extent == 3 && after.inner == 4)
  }

  @Test func resizeKeepsGivenScalesAndDerivesThoseOfSizes() throws {
    let none = Tensor([Float](), shape: [0])
    let (scaled, scaledGraph) = node("Resize", [[1, 5]], [none, Tensor([Float(1), 1.5], shape: [2])])
    let byScale = try ResizeGeometry(of: scaled, in: scaledGraph)
    #expect(byScale.outputShape == [1, 7] && byScale.scales == [1, 1.5] && byScale.coordinates == .halfPixel)
    let (sized, sizedGraph) = node("Resize", [[1, 4]], [none, none, Tensor([Int64(1), 6], shape: [2])])
    #expect(try ResizeGeometry(of: sized, in: sizedGraph).scales == [1, 1.5])
    let (old, oldGraph) = node("Upsample", [[1, 4]], [Tensor([Float(1), 2], shape: [2])], opset: 9)
    let upsample = try ResizeGeometry(of: old, in: oldGraph)
    #expect(upsample.coordinates == .asymmetric && upsample.rounding == .floor && upsample.outputShape == [1, 8])
  }

  @Test func reducedAxesAreSorted() throws {
    let (reduce, graph) = node("ReduceMean", [[2, 3, 4]], [Tensor([Int64(-1), 0], shape: [2])])
    let axes = try ReduceAxes(of: reduce, in: graph)
    #expect(axes.axes == [0, 2] && axes.outputShape == [1, 3, 1] && axes.groupCount == 8)
  }
}
