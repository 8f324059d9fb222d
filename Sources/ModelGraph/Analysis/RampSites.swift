/// A place in a classifier where a ramp can sit.
public struct RampSite: Sendable, Hashable {
  /// The tensor there, in the graph as imported.
  public let value: ValueID
  public let name: String
  /// Of the tensor for the sample inputs, batch first: [N, C, H, W], [N, S, D] or [N, D].
  public let shape: Shape
  public let type: DataType
  /// The model's operations up to there, as a share of all, 0 to 1.
  public let flopShare: Double
}

/// Where ramps can sit in a classifier and how it ends.
public struct RampSites: Sendable {
  public let head: ClassifierHead
  /// From input to output.
  public let sites: [RampSite]

  /// What must be left of the model's operations behind a site: a ramp there would cost as much as it saves.
  private static let leastRemainder = 0.01

  /// The sites of a classifier: cut vertices of the graph that the engine runs, with a tensor that ramps can pool.
  ///
  /// - Parameters:
  ///   - graph: as imported.
  ///   - inputShapes: of the sample that sizes are taken from, by input; at least those with symbolic extents.
  /// - Throws: ``ClassifierError`` when ramps cannot answer for the model, ``GraphError`` for wrong shapes.
  public init(_ graph: Graph, inputShapes: [ValueID: Shape], inputValues: [ValueID: Tensor] = [:]) throws {
    let folded = graph.foldingConstants()
    let plain = try folded.specialized(inputShapes: inputShapes, inputValues: inputValues)
    head = try ClassifierHead(folded, specialized: plain)
    let fused = try folded.optimizedAtLoad().0.specialized(inputShapes: inputShapes, inputValues: inputValues).fused().0
    let items = plain[head.logits].fixedShape?.first
    sites = fused.cutVertices().compactMap { [head] cut in
      guard cut.value.index < graph.values.count, 1 - cut.flopShare >= Self.leastRemainder,
        let shape = fused[cut.value].fixedShape, shape.first == items, let type = fused[cut.value].type,
        type == .float32 || type == .float16, Self.canPool(shape, head.pooling, in: plain)
      else { return nil }
      return RampSite(value: cut.value, name: cut.name, shape: shape, type: type, flopShare: cut.flopShare)
    }
  }

  private static func canPool(_ shape: Shape, _ pooling: ClassifierHead.Pooling, in graph: Graph) -> Bool {
    switch (pooling, shape.count) {
    case (_, 2): true
    case (.image, 4): true
    case (.tokens(_, let input, _), 3): shape == graph[input].fixedShape
    default: false
    }
  }
}
