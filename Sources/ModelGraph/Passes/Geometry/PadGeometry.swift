/// A `Pad` with every axis listed.
public struct PadGeometry: Sendable {
  public enum Mode: String, Sendable, CaseIterable { case constant, reflect, edge, wrap }

  /// Cells added before and after each axis; negative ones take cells away.
  public let begins: [Int]
  public let ends: [Int]
  public let mode: Mode
  /// What ``Mode/constant`` fills with: one element, of the input's type.
  public let value: Tensor
  public let outputShape: Shape

  /// - Throws: ``GraphError`` when shapes are unknown or pads wrong or not constant.
  public init(of node: Node, in graph: Graph) throws(GraphError) { try self.init(NodeContext(node, graph)) }

  init(_ context: NodeContext) throws(GraphError) {
    let input = try context.operand(0)
    let rank = input.rank
    guard let pads = try context.integers(attribute: "pads", orInput: 1, since: 11) else {
      throw context.invalid(expected: "pads", got: "none")
    }
    let axes =
      try context.opset >= 18 && context.has(3)
      ? context.axes(context.integers(3), rank: rank) : Array(0..<rank)
    let bound = NodeContext.attributeBound
    guard pads.count == 2 * axes.count, pads.allSatisfy({ (-bound...bound).contains($0) }) else {
      throw context.invalid(expected: "\(2 * axes.count) pads of at most \(bound)", got: "\(pads.prefix(16))")
    }
    mode = try context.choice("mode", default: Mode.constant)
    var begins = input.shape.map { _ in 0 }
    var ends = begins
    for (position, axis) in axes.enumerated() {
      begins[axis] = pads[position]
      ends[axis] = pads[position + axes.count]
    }
    for axis in 0..<rank {
      // What stays of the input is what reflect, edge and wrap copy from.
      let kept = input.shape[axis] + min(0, begins[axis]) + min(0, ends[axis])
      let grown = max(0, max(begins[axis], ends[axis]))
      let enough =
        switch mode {
        case .constant: kept >= 0
        case .edge, .wrap: kept > 0 || kept == 0 && grown == 0
        case .reflect: kept >= 0 && (grown == 0 || grown < kept)
        }
      guard enough else {
        throw context.invalid(
          expected: "pads that \(mode.rawValue) mode can fill on axis \(axis) of \(input.shape)",
          got: "\(begins[axis]) before and \(ends[axis]) after")
      }
    }
    self.begins = begins
    self.ends = ends
    value = try Self.fill(context, type: input.type)
    outputShape = input.shape.indices.map { input.shape[$0] + begins[$0] + ends[$0] }
  }

  private static func fill(_ context: NodeContext, type: DataType) throws(GraphError) -> Tensor {
    if context.opset >= 11, context.has(2) {
      let value = try context.constant(2)
      guard value.type == type, value.elementCount == 1 else {
        throw context.invalid(expected: "one \(type) to fill with", got: "\(value.type) \(value.shape)")
      }
      return value.reshaped(to: [])
    }
    let number = context.opset < 11 ? try context.float("value", default: 0) : 0
    return Lanes.doubles([Double(number)]).tensor(type: type, shape: [])
  }
}
