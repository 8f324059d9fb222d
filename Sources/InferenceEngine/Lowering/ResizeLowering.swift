import ModelGraph

/// Lowers `Resize` and `Upsample`: one pass per axis that changes, since every interpolation is a product of axes.
enum ResizeLowering {
  static func lower(_ node: Node, into lowering: inout Lowering) throws {
    let geometry = try ResizeGeometry(of: node, in: lowering.graph)
    let input = try lowering.operand(0, of: node)
    let computes = geometry.mode != .nearest || geometry.coordinates == .tfCropAndResize
    // Integers are interpolated as floats, and truncated, as ONNX Runtime does.
    let viaFloat = computes && !input.type.isFloatingPoint
    var view =
      viaFloat ? lowering.elementwise("a", [input], type: .float32, shape: input.shape) : input
    for axis in shrinkingFirst(geometry) {
      view = try lowering.resize(view, axis: axis, geometry, computes: computes)
    }
    if viaFloat { view = lowering.elementwise("a", [view], type: input.type, shape: view.shape) }
    lowering.define(node.output(0), view)
  }

  /// The axes that change, those that make less of the tensor first.
  private static func shrinkingFirst(_ geometry: ResizeGeometry) -> [Int] {
    let ratio = { (axis: Int) in Float(geometry.outputShape[axis]) / Float(max(1, geometry.inputShape[axis])) }
    return geometry.inputShape.indices
      .filter {
        geometry.inputShape[$0] != geometry.outputShape[$0] || geometry.scales[$0] != 1
          || geometry.coordinates == .tfCropAndResize
      }
      .sorted { (ratio($0), $0) < (ratio($1), $1) }
  }
}

extension Lowering {
  fileprivate mutating func resize(
    _ view: TensorView, axis: Int, _ geometry: ResizeGeometry, computes: Bool
  ) throws -> TensorView {
    let table = ResizeTable(geometry, axis: axis)
    var shape = view.shape
    shape[axis] = geometry.outputShape[axis]
    guard !shape.contains(0) else { return makeTensor(type: view.type, shape: shape) }
    if let (first, step) = table.slice {
      var starts = shape.map { _ in 0 }
      var steps = shape.map { _ in 1 }
      (starts[axis], steps[axis]) = (first, step)
      return view.window(starts: starts, extents: shape, steps: steps)
    }
    let layout = Layout.preferred(by: [view])
    if let count = table.repetition(of: view.shape[axis]) {
      let result = makeTensor(type: view.type, shape: shape, layout: layout)
      var repeated = view
      repeated.shape.insert(count, at: axis + 1)
      repeated.strides.insert(0, at: axis + 1)
      emitCopy(from: repeated, to: result.splitting(axis, into: [view.shape[axis], count]))
      return result
    }
    return try emitResize(
      of: layout == .channelsLast ? channelsLast(view) : rowMajor(view), axis: axis, to: shape, layout: layout, table,
      geometry, computes: computes)
  }

  private mutating func emitResize(
    of view: TensorView, axis: Int, to shape: Shape, layout: Layout, _ table: ResizeTable, _ geometry: ResizeGeometry,
    computes: Bool
  ) throws -> TensorView {
    let result = makeTensor(type: view.type, shape: shape, layout: layout)
    let order = layout.order(rank: shape.count)
    let position = order.firstIndex(of: axis) ?? 0
    let outer = order[..<position].reduce(1) { $0 * shape[$1] }
    let inner = order[(position + 1)...].reduce(1) { $0 * shape[$1] }
    let tables = try resizeBuffer(table, geometry, axis: axis)
    var defines: [KernelSpec.Define] = [
      .init(name: "T", value: computes ? view.type.openCLName : view.type.wordName),
      .init(name: "OUTSIDE", value: view.type == .float64 ? "double" : "float"),
      .init(name: "TAPS", value: table.taps <= 8 ? "\(table.taps)" : "taps"),
    ]
    if !computes { defines.append(.init(name: "NEAREST", value: "1")) }
    let rows = outer * shape[axis]
    emit(
      KernelSpec("resize", "resize").adding(defines),
      [
        .input(view), .input(tables), .output(result), .int(rows), .int(view.shape[axis]), .int(shape[axis]),
        .int(inner), .int(table.taps), Lowering.real(geometry.extrapolationValue, as: view.type),
      ], tasks: rows, cost: inner * table.taps + 8)
    return result
  }

  /// Indices (as the bits of floats), then weights.
  private mutating func resizeBuffer(
    _ table: ResizeTable, _ geometry: ResizeGeometry, axis: Int
  ) throws -> TensorView {
    let name =
      "resize \(geometry.inputShape[axis]) \(geometry.outputShape[axis]) \(geometry.scales[axis]) \(geometry.mode) "
      + "\(geometry.coordinates) \(geometry.rounding) \(geometry.cubicCoefficient) \(geometry.excludesOutside) "
      + "\(geometry.antialias) \(geometry.regionBegin[axis]) \(geometry.regionEnd[axis])"
    let buffer = try weights.shared(.init(name: name), count: 2 * table.indices.count) { memory in
      for (place, index) in table.indices.enumerated() { memory[place] = Float(bitPattern: UInt32(bitPattern: index)) }
      for (place, weight) in table.weights.enumerated() { memory[table.indices.count + place] = weight }
    }
    return constantView(buffer)
  }
}
