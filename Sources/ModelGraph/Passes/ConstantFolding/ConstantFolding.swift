/// Replaces nodes whose operands are constant by their results.
struct ConstantFolding {
  /// Values whose elements decide shapes: these are folded whatever they cost, up to ``ModelLimits/foldedBytes``.
  private let shapeValues: Set<ValueID>
  /// At load: what `ConstantOfShape` makes there is weights.
  private let isAtLoad: Bool
  private var remainingBytes: Int
  private var remainingShapeBytes: Int

  /// - Parameter byteLimit: bytes that folding may create for shapes, and as much again for the rest.
  init(shapeValues: Set<ValueID>, isAtLoad: Bool = false, byteLimit: Int = ModelLimits.foldedBytes) {
    self.shapeValues = shapeValues
    self.isAtLoad = isAtLoad
    remainingBytes = byteLimit
    remainingShapeBytes = byteLimit
  }

  /// Computes a node whose operands are constant.
  ///
  /// - Parameter types: the node's output types.
  /// - Returns: its outputs, or `nil` when it must stay a node: not constant, not computable here, or too large.
  mutating func outputs(
    of node: Node, types: [TensorType], in graph: Graph
  ) throws(GraphError) -> [Tensor]? {
    guard Evaluator.covers(node), Evaluator.readsOnlyShapes(node) || Self.operandsAreConstant(node, graph) else {
      return nil
    }
    let cost = cost(node, types: types, in: graph)
    let decidesShapes = node.outputs.contains { $0.map(shapeValues.contains) ?? false }
    if decidesShapes {
      guard cost.work <= ModelLimits.foldedBytes, cost.created <= remainingShapeBytes else {
        throw .foldingLimit(node: node.name, op: node.op, byteLimit: ModelLimits.foldedBytes)
      }
      remainingShapeBytes -= cost.created
    } else {
      guard cost.work <= ModelLimits.foldedBytes, cost.created <= remainingBytes, !cost.growsTooMuch else { return nil }
      remainingBytes -= cost.created
    }
    return try Evaluator.evaluate(NodeContext(node, graph), types: types)
  }

  static func operandsAreConstant(_ node: Node, _ graph: Graph) -> Bool {
    node.inputs.allSatisfy { $0 == nil || graph.constant($0) != nil }
  }

  private struct Cost {
    /// Bytes of new storage.
    var created = 0
    /// Bytes touched, each element as one lane of 8 bytes.
    var work = 0
    /// An engine repeats a small constant by a stride of 0; a folded copy would only take memory.
    var growsTooMuch = false
  }

  private func cost(_ node: Node, types: [TensorType], in graph: Graph) -> Cost {
    var cost = Cost()
    if Evaluator.readsOnlyShapes(node) { return cost }
    var read = 0
    for case let input? in node.inputs {
      guard let constant = graph.constant(input) else { continue }
      read += constant.storage.byteCount
      cost.work += constant.elementCount * 8
    }
    let sharesStorage = ["Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Constant"].contains(node.op)
    if sharesStorage { return Cost() }
    for (type, output) in zip(types, node.outputs) where output != nil {
      cost.created += type.shape.elementCount * type.type.byteWidth
      cost.work += type.shape.elementCount * 8
    }
    let mayGrow = node.op == "Range" || isAtLoad && node.op == "ConstantOfShape"
    cost.growsTooMuch = !mayGrow && cost.created > 4 * read + 1 << 20
    return cost
  }
}

extension Graph {
  /// Folds what does not depend on input shapes: for use once, at load. Nodes that cannot be folded, or would fail,
  /// stay. Reshaped constants keep their storage.
  public func foldingConstants() -> Graph {
    var graph = self
    var folding = ConstantFolding(shapeValues: valuesThatDecideShapes(), isAtLoad: true)
    graph.nodes = nodes.filter { node in
      guard ConstantFolding.operandsAreConstant(node, graph), node.inputs.allSatisfy({ graph.isWithinLimits($0) }),
        let types = try? node.outputTypes(in: graph),
        let tensors = try? folding.outputs(of: node, types: types, in: graph)
      else { return true }
      graph.define(node, constants: tensors)
      return false
    }
    return graph.removingDeadCode()
  }

  private func isWithinLimits(_ value: ValueID?) -> Bool {
    constant(value).map { $0.shape.checkedElementCount != nil } ?? true
  }

  /// Makes a node's outputs constants.
  mutating func define(_ node: Node, constants: [Tensor]) {
    for (tensor, output) in zip(constants, node.outputs) {
      guard let output else { continue }
      self[output].type = tensor.type
      self[output].shape = tensor.shape.map { .fixed($0) }
      self[output].constant = tensor
    }
  }
}
