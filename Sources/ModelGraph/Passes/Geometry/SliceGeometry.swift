/// A `Slice` with starts clamped and every axis listed: element `i` of an axis is element `start + i · step` of the input.
public struct SliceGeometry: Sendable, Hashable {
  public let starts: [Int]
  /// Never 0; negative ones run backwards.
  public let steps: [Int]
  /// The shape of the result; an empty axis has extent 0.
  public let extents: Shape

  /// - Throws: ``GraphError`` when shapes are unknown or starts, ends, axes, steps wrong or not constant.
  public init(of node: Node, in graph: Graph) throws(GraphError) { try self.init(NodeContext(node, graph)) }

  init(_ context: NodeContext) throws(GraphError) {
    let shape = try context.shape(0)
    guard let from = try context.integers(attribute: "starts", orInput: 1, since: 10),
      let to = try context.integers(attribute: "ends", orInput: 2, since: 10)
    else { throw context.invalid(expected: "starts and ends", got: "none") }
    let given = try context.integers(attribute: "axes", orInput: 3, since: 10)
    let axes = try context.axes(given ?? Array(from.indices), rank: shape.count)
    let stride = try context.has(4) ? context.integers(4) : from.map { _ in 1 }
    guard to.count == from.count, axes.count == from.count, stride.count == from.count else {
      throw context.invalid(
        expected: "as many ends, axes and steps as starts (\(from.count))",
        got: "\(to.count), \(axes.count) and \(stride.count)")
    }
    var starts = shape.map { _ in 0 }
    var steps = shape.map { _ in 1 }
    var extents = shape
    for (position, axis) in axes.enumerated() {
      guard stride[position] != 0 else { throw context.invalid(expected: "steps other than 0", got: "0") }
      // Steps beyond the extent all take one element; clamped so that negating cannot overflow.
      let step = max(-NodeContext.attributeBound, min(NodeContext.attributeBound, stride[position]))
      let extent = shape[axis]
      let range = step > 0 ? 0...extent : -1...max(-1, extent - 1)
      let start = Self.clamp(from[position], extent: extent, to: step > 0 ? range : 0...max(0, extent - 1))
      let end = Self.clamp(to[position], extent: extent, to: range)
      let span = step > 0 ? end - start : start - end
      starts[axis] = start
      steps[axis] = step
      extents[axis] = extent == 0 || span <= 0 ? 0 : (span - 1) / abs(step) + 1
    }
    self.starts = starts
    self.steps = steps
    self.extents = extents
  }

  /// A position that may count from the back, brought into `range`.
  private static func clamp(_ position: Int, extent: Int, to range: ClosedRange<Int>) -> Int {
    let fromFront = position < 0 ? position.addingReportingOverflow(extent).partialValue : position
    return max(range.lowerBound, min(range.upperBound, fromFront))
  }
}
