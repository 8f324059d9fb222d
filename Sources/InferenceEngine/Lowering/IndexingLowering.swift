import ModelGraph

/// Lowers operators that pick elements by index or find indices, and running sums. Indices out of range are clamped.
enum IndexingLowering {
  static let operators: [String: OperatorLowering.Lower] = [
    "Gather": gather, "GatherElements": gatherElements, "GatherND": gatherND,
    "ArgMax": { try findExtreme($0, better: ">", into: &$1) },
    "ArgMin": { try findExtreme($0, better: "<", into: &$1) },
    "TopK": topK, "CumSum": cumulativeSum,
  ]

  // MARK: Gather

  @Sendable private static func gather(_ node: Node, into lowering: inout Lowering) throws {
    let data = try lowering.operand(0, of: node)
    let shape = try lowering.resultShape(of: node)
    let axis = MovementLowering.axis(node.int("axis") ?? 0, rank: data.rank)
    if let one = lowering.graph.constant(node.input(1)), one.elementCount == 1, data.shape[axis] > 0 {
      // One known index: the result is a slice.
      let index = clamped(one.integers[0], extent: data.shape[axis])
      lowering.define(node.output(0), data.window(index..<index + 1, ofAxis: axis).replacing(axis, by: one.shape))
      return
    }
    let dense = lowering.rowMajor(data)
    let indices = lowering.rowMajor(try lowering.operand(1, of: node))
    let result = lowering.makeTensor(type: data.type, shape: shape)
    let inner = data.shape[(axis + 1)...].reduce(1, *)
    let rows = data.shape[..<axis].reduce(indices.elementCount, *)
    try requireElements(data, node, for: result)
    lowering.emit(
      KernelSpec("gather", "gather", ["T": data.type.wordName, "INDEX": indices.type.openCLName, "ROWS": "1"]),
      [
        .input(dense), .input(indices), .output(result), .int(rows), .int(data.shape[axis]),
        .int(indices.elementCount), .int(inner),
      ], tasks: inner == 0 ? 0 : rows, cost: inner + 4)
    lowering.define(node.output(0), result)
  }

  private static func clamped(_ index: Int64, extent: Int) -> Int {
    let extent = Int64(extent)
    return Int(max(0, min(extent - 1, index < 0 ? index + extent : index)))
  }

  @Sendable private static func gatherElements(_ node: Node, into lowering: inout Lowering) throws {
    let data = try lowering.operand(0, of: node)
    let indices = lowering.rowMajor(try lowering.operand(1, of: node))
    let axis = MovementLowering.axis(node.int("axis") ?? 0, rank: data.rank)
    let result = lowering.makeTensor(type: data.type, shape: indices.shape)
    try requireElements(data, node, for: result)
    var strides = data.strides
    strides[axis] = 0
    lowering.emit(
      KernelSpec(
        "gather", "gather_elements",
        ["T": data.type.wordName, "INDEX": indices.type.openCLName, "ELEMENTS": "1"]),
      [
        .input(data), .input(indices), .output(result), .int(indices.elementCount), .int(data.rank),
        .int8(indices.shape), .int8(strides), .int(data.offset), .int(data.shape[axis]), .int(data.strides[axis]),
      ], elements: indices.elementCount)
    lowering.define(node.output(0), result)
  }

  @Sendable private static func gatherND(_ node: Node, into lowering: inout Lowering) throws {
    let data = lowering.rowMajor(try lowering.operand(0, of: node))
    let indices = lowering.rowMajor(try lowering.operand(1, of: node))
    let batch = node.int("batch_dims") ?? 0
    let depth = indices.shape.last ?? 1
    let result = lowering.makeTensor(type: data.type, shape: try lowering.resultShape(of: node))
    try requireElements(data, node, for: result)
    let rows = indices.elementCount / max(1, depth)
    let batches = data.shape[..<batch].reduce(1, *)
    let inner = data.shape[(batch + depth)...].reduce(1, *)
    lowering.emit(
      KernelSpec("gather", "gather_nd", ["T": data.type.wordName, "INDEX": indices.type.openCLName, "TUPLES": "1"]),
      [
        .input(data), .input(indices), .output(result), .int(rows), .int(rows / max(1, batches)),
        .int(data.shape[batch...].reduce(1, *)), .int(depth), .int8(Array(data.shape[batch..<batch + depth])),
        .int(inner),
      ], tasks: inner == 0 ? 0 : rows, cost: inner + 4 * depth)
    lowering.define(node.output(0), result)
  }

  private static func requireElements(_ data: TensorView, _ node: Node, for result: TensorView) throws {
    guard data.elementCount > 0 || result.elementCount == 0 else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "it picks from an empty tensor \(data.shape)")
    }
  }

  // MARK: Finding

  private static func findExtreme(_ node: Node, better: String, into lowering: inout Lowering) throws {
    let view = try lowering.operand(0, of: node)
    let axis = MovementLowering.axis(node.int("axis") ?? 0, rank: view.rank)
    let result = lowering.makeTensor(type: .int64, shape: try lowering.resultShape(of: node))
    let sets = StridedAxes(view, axes: view.shape.indices.filter { $0 != axis })
    lowering.emit(
      KernelSpec(
        "arg", "arg_extreme",
        [
          "T": view.type.openCLName, "BETTER": node.int("select_last_index") ?? 0 != 0 ? better + "=" : better,
        ]),
      [
        .input(view), .output(result), .int(sets.count), .int(sets.extents.count), .int8(sets.extents),
        .int8(sets.strides), .int(view.offset), .int(view.shape[axis]), .int(view.strides[axis]),
      ], tasks: sets.count, cost: 2 * view.shape[axis])
    lowering.define(node.output(0), result)
  }

  @Sendable private static func topK(_ node: Node, into lowering: inout Lowering) throws {
    let view = lowering.rowMajor(try lowering.operand(0, of: node))
    let shape = try lowering.resultShape(of: node)
    let axis = MovementLowering.axis(node.int("axis") ?? -1, rank: view.rank)
    let values = lowering.makeTensor(type: view.type, shape: shape)
    let indices = lowering.makeTensor(type: .int64, shape: shape)
    let inner = shape[(axis + 1)...].reduce(1, *)
    let sets = shape[..<axis].reduce(inner, *)
    lowering.emit(
      KernelSpec(
        "topk", "topk", ["T": view.type.openCLName, "BETTER": node.int("largest") ?? 1 != 0 ? ">" : "<"]),
      [
        .input(view), .output(values), .output(indices), .int(sets), .int(view.shape[axis]), .int(shape[axis]),
        .int(inner),
      ], tasks: shape[axis] == 0 ? 0 : sets, cost: 8 * view.shape[axis])
    lowering.define(node.output(0), values)
    lowering.define(node.output(1), indices)
  }

  @Sendable private static func cumulativeSum(_ node: Node, into lowering: inout Lowering) throws {
    let view = lowering.rowMajor(try lowering.operand(0, of: node))
    let given = lowering.graph.constant(node.input(1))?.integers.first ?? 0
    let axis = MovementLowering.axis(Int(given), rank: view.rank)
    let result = lowering.makeTensor(type: view.type, shape: view.shape)
    let inner = view.shape[(axis + 1)...].reduce(1, *)
    let sets = view.shape[..<axis].reduce(inner, *)
    var defines: [KernelSpec.Define] = [.init(name: "T", value: view.type.openCLName)]
    if node.int("exclusive") ?? 0 != 0 { defines.append(.init(name: "EXCLUSIVE", value: "1")) }
    if node.int("reverse") ?? 0 != 0 { defines.append(.init(name: "REVERSE", value: "1")) }
    lowering.emit(
      KernelSpec("cumsum", "cumsum").adding(defines),
      [.input(view), .output(result), .int(sets), .int(view.shape[axis]), .int(inner)], tasks: sets,
      cost: 2 * view.shape[axis])
    lowering.define(node.output(0), result)
  }
}

extension TensorView {
  /// An axis of one element as axes of one element, as many as `shape` has.
  fileprivate func replacing(_ axis: Int, by shape: Shape) -> TensorView {
    var view = self
    view.shape.replaceSubrange(axis...axis, with: shape)
    view.strides.replaceSubrange(axis...axis, with: shape.map { _ in 1 })
    return view
  }
}
