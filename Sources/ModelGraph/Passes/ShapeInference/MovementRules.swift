/// Operators that move elements without computing on them, and those that read shapes.
enum MovementRules {
  static let rules: [String: OperatorRule] = [
    "Reshape": OperatorRule(1...2, shapeOperands: [1], infer: reshape),
    "Flatten": OperatorRule(1, infer: flatten),
    "Squeeze": OperatorRule(1...2, shapeOperands: [1], infer: squeeze),
    "Unsqueeze": OperatorRule(1...2, shapeOperands: [1], infer: unsqueeze),
    "Transpose": OperatorRule(1) { (context) throws(GraphError) in
      let x = try context.operand(0)
      return [TensorType(x.type, try permutation(context).map { x.shape[$0] })]
    },
    "Expand": OperatorRule(2, shapeOperands: [1], infer: expand),
    "Tile": OperatorRule(2, shapeOperands: [1], infer: tile),
    "Concat": OperatorRule(1...OperatorRule.manyInputs, infer: concat),
    "Split": OperatorRule(1...2, shapeOperands: [1]) { (context) throws(GraphError) in
      let x = try context.operand(0)
      let (axis, extents) = try split(context)
      return extents.map { extent in
        var shape = x.shape
        shape[axis] = extent
        return TensorType(x.type, shape)
      }
    },
    "Slice": OperatorRule(1...5, shapeOperands: [1, 2, 3, 4]) { (context) throws(GraphError) in
      [TensorType(try context.type(0), try SliceGeometry(context).extents)]
    },
    "Pad": OperatorRule(1...4, shapeOperands: [1, 2, 3]) { (context) throws(GraphError) in
      [TensorType(try context.type(0), try PadGeometry(context).outputShape)]
    },
    "DepthToSpace": OperatorRule(1, infer: depthToSpace),
    "SpaceToDepth": OperatorRule(1, infer: spaceToDepth),
    "Resize": OperatorRule(1...4, shapeOperands: [1, 2, 3], infer: resize),
    "Upsample": OperatorRule(1...2, shapeOperands: [1], infer: resize),
    "Trilu": OperatorRule(1...2, shapeOperands: [1]) { (context) throws(GraphError) in
      let x = try context.operand(0, rankAtLeast: 2)
      if context.has(1) { _ = try context.integer(1) }
      return [x]
    },
    "Shape": OperatorRule(1) { (context) throws(GraphError) in
      [TensorType(.int64, [try shapeRange(context).count])]
    },
    "Size": OperatorRule(1) { (context) throws(GraphError) in
      _ = try context.operand(0)
      return [TensorType(.int64, [])]
    },
  ]

  // MARK: Same elements, other shape

  private static func reshape(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0)
    guard let wanted = try context.integers(attribute: "shape", orInput: 1, since: 5) else {
      throw context.invalid(expected: "a shape", got: "none")
    }
    let zeroIsExtent = try context.flag("allowzero", default: false)
    var shape: Shape = []
    var open: Int?
    for (axis, extent) in wanted.enumerated() {
      switch extent {
      case 0 where !zeroIsExtent:
        guard axis < x.rank else {
          throw context.invalid(expected: "0 only where \(x.shape) has an extent to copy", got: "\(wanted)")
        }
        shape.append(x.shape[axis])
      case -1 where open == nil:
        open = axis
        shape.append(1)
      case 0...: shape.append(extent)
      default: throw context.invalid(expected: "extents, at most one of them -1", got: "\(wanted)")
      }
    }
    try context.require(withinLimits: shape)
    let count = x.shape.elementCount
    let known = shape.elementCount
    if let open {
      guard known > 0, count % known == 0 else {
        throw context.invalid(expected: "a shape that \(count) elements fill", got: "\(wanted)")
      }
      shape[open] = count / known
    }
    guard shape.checkedElementCount == count else {
      throw context.invalid(expected: "a shape of \(count) elements", got: "\(wanted)")
    }
    return [TensorType(x.type, shape)]
  }

  private static func flatten(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0)
    let given = try context.int("axis", default: 1)
    guard (-x.rank...x.rank).contains(given) else {
      throw context.invalid(expected: "axis in \(-x.rank)...\(x.rank)", got: "\(given)")
    }
    let axis = given < 0 ? given + x.rank : given
    return [TensorType(x.type, [x.shape[..<axis].reduce(1, *), x.shape[axis...].reduce(1, *)])]
  }

  private static func squeeze(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0)
    var removed = x.shape.indices.filter { x.shape[$0] == 1 }
    if let given = try context.integers(attribute: "axes", orInput: 1, since: 13) {
      removed = try context.axes(given, rank: x.rank)
      guard removed.allSatisfy({ x.shape[$0] == 1 }) else {
        throw context.invalid(expected: "axes of extent 1", got: "axes \(given) of \(x.shape)")
      }
    }
    return [TensorType(x.type, x.shape.indices.filter { !removed.contains($0) }.map { x.shape[$0] })]
  }

  private static func unsqueeze(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0)
    guard let given = try context.integers(attribute: "axes", orInput: 1, since: 13) else {
      throw context.invalid(expected: "axes", got: "none")
    }
    let rank = x.rank + given.count
    let added = try context.axes(given, rank: rank)
    var remaining = x.shape[...]
    return [TensorType(x.type, (0..<rank).map { added.contains($0) ? 1 : remaining.removeFirst() })]
  }

  // MARK: Order and repetition

  /// For each axis of a `Transpose`'s result, the axis of its input.
  static func permutation(_ context: NodeContext) throws(GraphError) -> [Int] {
    let rank = try context.operand(0).rank
    guard let given = try context.ints("perm") else { return Array((0..<rank).reversed()) }
    guard given.count == rank else {
      throw context.invalid(expected: "perm of \(rank) axes", got: "\(given.prefix(16))")
    }
    return try context.axes(given, rank: rank)
  }

  private static func expand(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0)
    return [TensorType(x.type, try context.broadcast(x.shape, try context.extents(1)))]
  }

  private static func tile(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let x = try context.operand(0)
    let repeats = try context.extents(1)
    guard repeats.count == x.rank else {
      throw context.invalid(expected: "\(x.rank) repeats", got: "\(repeats)")
    }
    return [TensorType(x.type, zip(x.shape, repeats).map { $0 * $1 })]
  }

  // MARK: Joining and cutting

  private static func concat(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    var result = try context.operand(0)
    guard let given = try context.int("axis") else { throw context.invalid(expected: "attribute axis", got: "none") }
    let axis = try context.axis(given, rank: result.rank)
    for position in context.node.inputs.indices.dropFirst() {
      let (first, next) = try context.sameTypeOperands(0, position, of: .any)
      guard next.rank == first.rank,
        next.shape.indices.allSatisfy({ $0 == axis || next.shape[$0] == first.shape[$0] })
      else {
        throw context.invalid(
          expected: "input \(position) like \(first.shape) but for axis \(axis)", got: "\(next.shape)")
      }
      result.shape[axis] += next.shape[axis]
    }
    return [result]
  }

  /// The axis that a `Split` cuts and the extents of its pieces, one per output.
  static func split(_ context: NodeContext) throws(GraphError) -> (axis: Int, extents: [Int]) {
    let x = try context.operand(0)
    let axis = try context.axis(try context.int("axis", default: 0), rank: x.rank)
    let whole = x.shape[axis]
    let pieces = context.node.outputs.count
    if let extents = try context.integers(attribute: "split", orInput: 1, since: 13) {
      guard extents.count == pieces, extents.allSatisfy({ (0...whole).contains($0) }), extents.reduce(0, +) == whole
      else {
        throw context.invalid(expected: "\(pieces) extents that add up to \(whole)", got: "\(extents.prefix(16))")
      }
      return (axis, extents)
    }
    let count = context.opset >= 18 ? try context.int("num_outputs", default: pieces) : pieces
    guard count == pieces, count >= 1 else {
      throw context.invalid(expected: "num_outputs \(pieces), one per output", got: "\(count)")
    }
    let chunk = (whole + count - 1) / count
    let last = whole - chunk * (count - 1)
    guard last >= 0, context.opset >= 18 || last == chunk else {
      throw context.invalid(expected: "an extent that \(count) pieces share", got: "\(whole)")
    }
    return (axis, [Int](repeating: chunk, count: count - 1) + [last])
  }

  // MARK: Blocks and images

  private static func blocks(_ context: NodeContext) throws(GraphError) -> (TensorType, Int) {
    let x = try context.operand(0)
    guard x.rank == 4, let size = try context.int("blocksize"), (1...NodeContext.attributeBound).contains(size) else {
      throw context.invalid(
        expected: "an input [N, C, H, W] and a blocksize",
        got: "\(x.shape) and \(context.node.int("blocksize").map(String.init) ?? "none")")
    }
    return (x, size)
  }

  private static func depthToSpace(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let (x, size) = try blocks(context)
    let mode = try context.string("mode", default: "DCR")
    guard mode == "DCR" || mode == "CRD" else { throw context.invalid(expected: "mode DCR or CRD", got: "\"\(mode)\"") }
    guard x.shape[1] % (size * size) == 0 else {
      throw context.invalid(expected: "channels divisible by \(size * size)", got: "\(x.shape[1])")
    }
    return [TensorType(x.type, [x.shape[0], x.shape[1] / (size * size), x.shape[2] * size, x.shape[3] * size])]
  }

  private static func spaceToDepth(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    let (x, size) = try blocks(context)
    guard x.shape[2] % size == 0, x.shape[3] % size == 0 else {
      throw context.invalid(expected: "height and width divisible by \(size)", got: "\(x.shape)")
    }
    let channels = x.shape[1].multipliedReportingOverflow(by: size * size)
    guard !channels.overflow else { throw context.invalid(expected: "a smaller blocksize", got: "\(size)") }
    return [TensorType(x.type, [x.shape[0], channels.partialValue, x.shape[2] / size, x.shape[3] / size])]
  }

  private static func resize(_ context: NodeContext) throws(GraphError) -> [TensorType] {
    [TensorType(try context.type(0), try ResizeGeometry(context).outputShape)]
  }

  // MARK: Shapes as values

  /// The axes that a `Shape` lists.
  static func shapeRange(_ context: NodeContext) throws(GraphError) -> Range<Int> {
    let rank = try context.operand(0).rank
    func clamped(_ axis: Int) -> Int {
      max(0, min(rank, axis < 0 ? axis.addingReportingOverflow(rank).partialValue : axis))
    }
    let start = clamped(try context.int("start", default: 0))
    return start..<max(start, clamped(try context.int("end", default: rank)))
  }
}

extension NodeContext {
  /// A constant list of extents or repeats.
  func extents(_ position: Int) throws(GraphError) -> Shape {
    let extents = try integers(position)
    guard extents.count <= ModelLimits.rank, extents.allSatisfy({ (0...ModelLimits.elements).contains($0) }) else {
      throw invalid(
        expected: "input \(position): up to \(ModelLimits.rank) extents in 0...\(ModelLimits.elements)",
        got: "\(extents.prefix(16))")
    }
    return extents
  }
}
