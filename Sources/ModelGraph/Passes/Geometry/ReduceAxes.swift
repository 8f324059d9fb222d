/// Which axes a `Reduce…`, `ArgMax` or `ArgMin` takes together.
public struct ReduceAxes: Sendable, Hashable {
  /// From the front, ascending, distinct. Empty: every element is a group of its own.
  public let axes: [Int]
  /// Reduced axes stay with extent 1.
  public let keepsDimensions: Bool
  public let inputShape: Shape
  public let outputShape: Shape

  /// Elements in one group.
  public var groupCount: Int { axes.reduce(1) { $0 * inputShape[$1] } }

  /// - Throws: ``GraphError`` when shapes are unknown, axes are wrong or not constant.
  public init(of node: Node, in graph: Graph) throws(GraphError) { try self.init(NodeContext(node, graph)) }

  init(_ context: NodeContext) throws(GraphError) {
    inputShape = try context.shape(0)
    keepsDimensions = try context.flag("keepdims", default: true)
    axes = try Self.axes(context, rank: inputShape.count)
    var extents: Shape = []
    for (axis, extent) in inputShape.enumerated() {
      if !axes.contains(axis) { extents.append(extent) } else if keepsDimensions { extents.append(1) }
    }
    outputShape = extents
  }

  private static func axes(_ context: NodeContext, rank: Int) throws(GraphError) -> [Int] {
    let op = context.node.op
    if op == "ArgMax" || op == "ArgMin" {
      return [try context.axis(try context.int("axis", default: 0), rank: rank)]
    }
    let given = try context.integers(attribute: "axes", orInput: 1, since: op == "ReduceSum" ? 13 : 18)
    if let given, !given.isEmpty { return try context.axes(given, rank: rank).sorted() }
    return try context.flag("noop_with_empty_axes", default: false) ? [] : Array(0..<rank)
  }
}
