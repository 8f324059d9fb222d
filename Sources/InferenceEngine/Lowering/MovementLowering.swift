import ModelGraph

/// Lowers operators that move elements without computing on them: most only make other views of the same memory.
enum MovementLowering {
  static let operators: [String: OperatorLowering.Lower] = [
    "Identity": same, "Reshape": reshape, "Flatten": reshape, "Squeeze": reshape, "Unsqueeze": reshape,
    "Dropout": dropout, "Transpose": transpose, "Slice": slice, "Split": split, "Expand": expand,
    "ConstantOfShape": constantOfShape, "Concat": concat, "Pad": pad, "Tile": tile, "DepthToSpace": depthToSpace,
    "SpaceToDepth": spaceToDepth, "Trilu": trilu, "Range": range,
    "Resize": { try ResizeLowering.lower($0, into: &$1) }, "Upsample": { try ResizeLowering.lower($0, into: &$1) },
  ]

  // MARK: Views

  @Sendable private static func same(_ node: Node, into lowering: inout Lowering) throws {
    lowering.define(node.output(0), try lowering.operand(0, of: node))
  }

  @Sendable private static func reshape(_ node: Node, into lowering: inout Lowering) throws {
    let view = try lowering.operand(0, of: node)
    let shape = try lowering.resultShape(of: node)
    lowering.define(
      node.output(0), view.reshaped(to: shape) ?? lowering.rowMajor(view).reshapedRowMajor(to: shape))
  }

  /// At inference nothing is dropped.
  @Sendable private static func dropout(_ node: Node, into lowering: inout Lowering) throws {
    let view = try lowering.operand(0, of: node)
    lowering.define(node.output(0), view)
    guard let mask = node.output(1) else { return }
    let kept = try lowering.type(of: mask) == .bool ? keptFlag : keptNumber
    lowering.define(mask, try lowering.constantView(kept).broadcast(to: view.shape))
  }

  private static let keptFlag = Tensor(type: .bool, shape: [], storage: TensorStorage(copying: [UInt8(1)]))
  private static let keptNumber = Tensor([Float(1)], shape: [])

  @Sendable private static func transpose(_ node: Node, into lowering: inout Lowering) throws {
    let view = try lowering.operand(0, of: node)
    lowering.define(node.output(0), view.permuted(node.ints("perm") ?? view.shape.indices.reversed()))
  }

  @Sendable private static func slice(_ node: Node, into lowering: inout Lowering) throws {
    let geometry = try SliceGeometry(of: node, in: lowering.graph)
    lowering.define(
      node.output(0),
      try lowering.operand(0, of: node).window(
        starts: geometry.starts, extents: geometry.extents, steps: geometry.steps))
  }

  @Sendable private static func split(_ node: Node, into lowering: inout Lowering) throws {
    let view = try lowering.operand(0, of: node)
    let axis = axis(node.int("axis") ?? 0, rank: view.rank)
    let given = lowering.graph.constant(node.input(1))?.integers.map { Int($0) } ?? node.ints("split")
    let equal = view.shape[axis].dividedRoundingUp(by: max(1, node.outputs.count))
    var start = 0
    for (position, output) in node.outputs.enumerated() {
      let extent = given?[position] ?? min(equal, view.shape[axis] - start)
      lowering.define(output, view.window(start..<start + extent, ofAxis: axis))
      start += extent
    }
  }

  @Sendable private static func expand(_ node: Node, into lowering: inout Lowering) throws {
    lowering.define(
      node.output(0), try lowering.operand(0, of: node).broadcast(to: try lowering.resultShape(of: node)))
  }

  @Sendable private static func constantOfShape(_ node: Node, into lowering: inout Lowering) throws {
    let fill = node.tensor("value") ?? zero
    lowering.define(
      node.output(0),
      try lowering.constantView(fill.reshaped(to: [])).broadcast(to: try lowering.resultShape(of: node)))
  }

  private static let zero = Tensor([Float(0)], shape: [])

  // MARK: Copies

  @Sendable private static func concat(_ node: Node, into lowering: inout Lowering) throws {
    let pieces = try node.inputs.indices.map { try lowering.operand($0, of: node) }
    let shape = try lowering.resultShape(of: node)
    let axis = axis(node.int("axis") ?? 0, rank: shape.count)
    let result = lowering.makeTensor(type: pieces[0].type, shape: shape, layout: .preferred(by: pieces))
    var start = 0
    for piece in pieces {
      lowering.emitCopy(from: piece, to: result.window(start..<start + piece.shape[axis], ofAxis: axis))
      start += piece.shape[axis]
    }
    lowering.define(node.output(0), result)
  }

  @Sendable private static func tile(_ node: Node, into lowering: inout Lowering) throws {
    var view = try lowering.operand(0, of: node)
    let shape = try lowering.resultShape(of: node)
    // Each axis becomes two: the repetition, which moves nothing, and the extent.
    let repeats = zip(shape, view.shape).map { $1 == 0 ? 1 : $0 / $1 }
    var interleaved = view.repeated(repeats)
    if interleaved.shape.count(where: { $0 != 1 }) > ModelLimits.rank {
      // Too many loops for one copy: one axis at a time.
      for (axis, count) in repeats.enumerated() where count != 1 {
        var once = [Int](repeating: 1, count: repeats.count)
        once[axis] = count
        view = copied(view.repeated(once), as: zip(view.shape, once).map { $0 * $1 }, into: &lowering)
      }
      lowering.define(node.output(0), view)
      return
    }
    interleaved.type = view.type
    lowering.define(node.output(0), copied(interleaved, as: shape, into: &lowering))
  }

  /// A row-major copy under another shape of the same count.
  private static func copied(_ view: TensorView, as shape: Shape, into lowering: inout Lowering) -> TensorView {
    let result = lowering.makeTensor(type: view.type, shape: shape)
    lowering.emitCopy(from: view, to: result.reshapedRowMajor(to: view.shape))
    return result
  }

  /// Channels `[b, b, C]` (or `[C, b, b]`) of a pixel become a square of pixels.
  @Sendable private static func depthToSpace(_ node: Node, into lowering: inout Lowering) throws {
    let view = try lowering.operand(0, of: node)
    let shape = try lowering.resultShape(of: node)
    let size = node.int("blocksize") ?? 1
    let blocks =
      node.string("mode") == "CRD"
      ? view.splitting(1, into: [shape[1], size, size]).permuted([0, 1, 4, 2, 5, 3])
      : view.splitting(1, into: [size, size, shape[1]]).permuted([0, 3, 4, 1, 5, 2])
    let result = lowering.makeTensor(type: view.type, shape: shape, layout: .preferred(by: [view]))
    let squares = result.splitting(3, into: [view.shape[3], size]).splitting(2, into: [view.shape[2], size])
    lowering.emitCopy(from: blocks, to: squares)
    lowering.define(node.output(0), result)
  }

  /// A square of pixels becomes channels `[b, b, C]` of one pixel.
  @Sendable private static func spaceToDepth(_ node: Node, into lowering: inout Lowering) throws {
    let view = try lowering.operand(0, of: node)
    let shape = try lowering.resultShape(of: node)
    let size = node.int("blocksize") ?? 1
    let squares = view.splitting(3, into: [shape[3], size]).splitting(2, into: [shape[2], size])
      .permuted([0, 3, 5, 1, 2, 4])
    let result = lowering.makeTensor(type: view.type, shape: shape, layout: .preferred(by: [view]))
    lowering.emitCopy(from: squares, to: result.splitting(1, into: [size, size, view.shape[1]]))
    lowering.define(node.output(0), result)
  }

  @Sendable private static func trilu(_ node: Node, into lowering: inout Lowering) throws {
    let view = lowering.rowMajor(try lowering.operand(0, of: node))
    let bound = Int(Int32.max) / 2
    let shift = lowering.graph.constant(node.input(1))?.integers.first.map { max(-bound, min(bound, Int($0))) } ?? 0
    let result = lowering.makeTensor(type: view.type, shape: view.shape)
    lowering.emit(
      KernelSpec(
        "trilu", "trilu", ["T": view.type.wordName, "KEPT": node.int("upper") ?? 1 != 0 ? ">=" : "<="]),
      [
        .input(view), .output(result), .int(view.elementCount), .int(view.shape[view.rank - 2]),
        .int(view.shape[view.rank - 1]), .int(shift),
      ], elements: view.elementCount)
    lowering.define(node.output(0), result)
  }

  /// Only ranges too long to fold come here.
  @Sendable private static func range(_ node: Node, into lowering: inout Lowering) throws {
    let (start, delta) = (try lowering.operand(0, of: node), try lowering.operand(2, of: node))
    let shape = try lowering.resultShape(of: node)
    let result = lowering.makeTensor(type: start.type, shape: shape)
    lowering.emit(
      KernelSpec("range", "range", ["T": start.type.openCLName]),
      [.input(start), .input(delta), .output(result), .int(shape[0])], elements: shape[0])
    lowering.define(node.output(0), result)
  }

  /// `axis` counted from the front.
  static func axis(_ axis: Int, rank: Int) -> Int { axis < 0 ? axis + rank : axis }
}

extension TensorView {
  /// Axis by axis the repetition, then the extent.
  fileprivate func repeated(_ counts: [Int]) -> TensorView {
    var view = self
    view.shape = zip(counts, shape).flatMap { [$0, $1] }
    view.strides = strides.flatMap { [0, $0] }
    return view
  }
}

extension Layout {
  /// Channels-last when more elements of `views` lie that way than row-major, counting only those that lie one way.
  static func preferred(by views: [TensorView]) -> Layout {
    let balance = views.reduce(0) { balance, view in
      let (rowMajor, channelsLast) = (view.runs(in: .rowMajor), view.rank >= 3 && view.runs(in: .channelsLast))
      return rowMajor == channelsLast ? balance : balance + (channelsLast ? view.elementCount : -view.elementCount)
    }
    return balance > 0 ? .channelsLast : .rowMajor
  }
}

extension TensorView {
  /// Whether the innermost axis of a layout, of those with more than one element, runs through memory without gaps.
  func runs(in layout: Layout) -> Bool {
    guard let inner = layout.order(rank: rank).last(where: { shape[$0] != 1 }) else { return true }
    return strides[inner] == 1
  }
}

extension Lowering {
  /// Where an operand of a node is.
  mutating func operand(_ position: Int, of node: Node) throws -> TensorView {
    guard let value = node.input(position) else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "it lacks input \(position)")
    }
    return try view(value)
  }

  /// The shape of a node's first output.
  func resultShape(of node: Node) throws -> Shape {
    guard let output = node.output(0) else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "it lacks its output")
    }
    return try shape(of: output)
  }
}
