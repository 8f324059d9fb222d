/// A `Softmax` or `LogSoftmax` as `[outer, extent, inner]` with the sum along the middle.
///
/// Before opset 13 everything from the axis on is one group; from then on the axis alone is.
public struct SoftmaxGeometry: Sendable, Hashable {
  public let outer: Int
  public let extent: Int
  public let inner: Int

  /// - Throws: ``GraphError`` when the shape is unknown or the axis wrong.
  public init(of node: Node, in graph: Graph) throws(GraphError) { try self.init(NodeContext(node, graph)) }

  init(_ context: NodeContext) throws(GraphError) {
    let shape = try context.shape(0)
    let separate = context.opset >= 13
    if shape.isEmpty {
      (outer, extent, inner) = (1, 1, 1)
      return
    }
    // A default axis of 1 does not fit a vector; before opset 13 an axis may equal the rank.
    let given = try context.int("axis", default: separate ? -1 : 1)
    let axis = !separate && given == shape.count ? shape.count : try context.axis(given, rank: shape.count)
    outer = shape[..<axis].reduce(1, *)
    extent = separate ? shape[axis] : shape[axis...].reduce(1, *)
    inner = separate ? shape[(axis + 1)...].reduce(1, *) : 1
  }
}
