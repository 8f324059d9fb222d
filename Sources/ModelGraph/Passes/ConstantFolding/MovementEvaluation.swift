/// Evaluates operators that move elements, make them, or convert them.
enum MovementEvaluation {
  static let table: [String: Evaluator.Evaluate] = [
    "Identity": sameElements, "Reshape": sameElements, "Flatten": sameElements, "Squeeze": sameElements,
    "Unsqueeze": sameElements,
    "Shape": { (context, _) throws(GraphError) in
      let extents = try context.shape(0)[MovementRules.shapeRange(context)]
      return [Tensor(extents.map { Int64($0) }, shape: [extents.count])]
    },
    "Size": { (context, _) throws(GraphError) in [Tensor([Int64(try context.shape(0).elementCount)], shape: [])] },
    "Constant": { (context, _) throws(GraphError) in [try IndexingRules.constant(context)] },
    "ConstantOfShape": { (context, types) throws(GraphError) in
      [try IndexingRules.fill(context).broadcast(to: types[0].shape)]
    },
    "Range": range,
    "Cast": cast, "CastLike": cast,
    "Transpose": { (context, types) throws(GraphError) in
      let x = try context.constant(0)
      let strides = x.shape.rowMajorStrides
      return [x.window(shape: types[0].shape, strides: try MovementRules.permutation(context).map { strides[$0] })]
    },
    "Expand": { (context, types) throws(GraphError) in [try context.constant(0).broadcast(to: types[0].shape)] },
    "Tile": { (context, types) throws(GraphError) in [tile(try context.constant(0), to: types[0].shape)] },
    "Slice": { (context, _) throws(GraphError) in
      let x = try context.constant(0)
      return [slice(x, try SliceGeometry(context))]
    },
    "Split": split, "Concat": concat, "Pad": pad, "Gather": gather, "Where": select, "Trilu": trilu,
  ]

  /// Shares the storage, so that a reshaped weight is still the same weight.
  private static let sameElements: Evaluator.Evaluate = { (context, types) throws(GraphError) in
    [try context.constant(0).reshaped(to: types[0].shape)]
  }

  private static func range(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let type = types[0]
    let count = type.shape[0]
    switch (Lanes(try context.constant(0)), Lanes(try context.constant(2))) {
    case (.integers(let start), .integers(let delta)):
      let values = (0..<Int64(count)).map { start[0] &+ $0 &* delta[0] }
      return [Lanes.integers(values).tensor(type: type.type, shape: type.shape)]
    case (let start, let delta):
      let (first, step) = (start.doubles[0], delta.doubles[0])
      return [Lanes.doubles((0..<count).map { first + Double($0) * step }).tensor(type: type.type, shape: type.shape)]
    }
  }

  private static func cast(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let x = try context.constant(0)
    if x.type == types[0].type { return [x] }
    return [Lanes(x).tensor(type: types[0].type, shape: x.shape, from: x.type)]
  }

  private static func tile(_ x: Tensor, to target: Shape) -> Tensor {
    // Each axis becomes two: the repetition, which moves nothing, and the extent.
    var (shape, strides): (Shape, [Int]) = ([], [])
    for (axis, stride) in x.shape.rowMajorStrides.enumerated() {
      shape += [x.shape[axis] == 0 ? 0 : target[axis] / x.shape[axis], x.shape[axis]]
      strides += [0, stride]
    }
    return x.window(shape: shape, strides: strides).reshaped(to: target)
  }

  static func slice(_ x: Tensor, _ slice: SliceGeometry) -> Tensor {
    let strides = x.shape.rowMajorStrides
    guard !slice.extents.contains(0) else { return x.window(shape: slice.extents, strides: strides) }
    if slice.extents == x.shape && slice.steps.allSatisfy({ $0 == 1 }) { return x }
    return x.window(
      shape: slice.extents, strides: zip(strides, slice.steps).map { $0 * $1 },
      offset: zip(strides, slice.starts).reduce(0) { $0 + $1.0 * $1.1 })
  }

  private static func split(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let x = try context.constant(0)
    let (axis, extents) = try MovementRules.split(context)
    let strides = x.shape.rowMajorStrides
    var offset = 0
    return zip(types, extents).map { type, extent in
      defer { offset += extent * strides[axis] }
      return x.window(shape: type.shape, strides: strides, offset: offset)
    }
  }

  private static func concat(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    var pieces: [Tensor] = []
    for position in context.node.inputs.indices { pieces.append(try context.constant(position)) }
    if pieces.count == 1 { return pieces }
    let type = types[0]
    let axis = try context.axis(try context.int("axis", default: 0), rank: type.rank)
    let strides = type.shape.rowMajorStrides
    let width = type.type.byteWidth
    let storage = TensorStorage(byteCount: type.shape.elementCount * width) { target in
      var offset = 0
      for piece in pieces {
        let copy = StridedCopy(
          shape: piece.shape, sourceStrides: piece.shape.rowMajorStrides, targetStrides: strides, targetOffset: offset)
        piece.storage.withUnsafeBytes { copy.run(from: $0, to: target, width: width) }
        offset += piece.shape[axis] * strides[axis]
      }
    }
    return [Tensor(type: type.type, shape: type.shape, storage: storage)]
  }

  private static func pad(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let geometry = try PadGeometry(context)
    guard geometry.mode == .constant else { return nil }
    let x = try context.constant(0)
    let type = types[0]
    let strides = x.shape.rowMajorStrides
    let targetStrides = type.shape.rowMajorStrides
    var copied: Shape = []
    var (from, to) = (0, 0)
    for axis in x.shape.indices {
      let (begin, end) = (geometry.begins[axis], geometry.ends[axis])
      copied.append(max(0, x.shape[axis] + min(0, begin) + min(0, end)))
      from += max(0, -begin) * strides[axis]
      to += max(0, begin) * targetStrides[axis]
    }
    let fill = geometry.value.broadcast(to: type.shape)
    let copy = StridedCopy(
      shape: copied, sourceStrides: strides, sourceOffset: from, targetStrides: targetStrides, targetOffset: to)
    let storage = TensorStorage(byteCount: fill.storage.byteCount) { target in
      fill.storage.withUnsafeBytes { target.copyMemory(from: $0) }
      x.storage.withUnsafeBytes { copy.run(from: $0, to: target, width: type.type.byteWidth) }
    }
    return [Tensor(type: type.type, shape: type.shape, storage: storage)]
  }

  private static func gather(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let x = try context.constant(0)
    let axis = try context.axis(try context.int("axis", default: 0), rank: x.shape.count)
    let extent = x.shape[axis]
    let indices = try context.constant(1).integers
    guard let least = indices.min(), let most = indices.max() else {
      return [x.window(shape: types[0].shape, strides: types[0].shape.rowMajorStrides)]
    }
    guard least >= -extent, most < extent else {
      throw context.invalid(expected: "indices in -\(extent)..<\(extent)", got: "\(least)...\(most)")
    }
    let type = types[0]
    let outer = x.shape[..<axis].reduce(1, *)
    let run = x.shape[(axis + 1)...].reduce(1, *) * x.type.byteWidth
    let storage = TensorStorage(byteCount: type.shape.elementCount * x.type.byteWidth) { target in
      x.storage.withUnsafeBytes { source in
        var to = 0
        for row in 0..<outer where run > 0 {
          for index in indices {
            let from = (row * extent + Int(index < 0 ? index + Int64(extent) : index)) * run
            UnsafeMutableRawBufferPointer(rebasing: target[to..<(to + run)])
              .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[from..<(from + run)]))
            to += run
          }
        }
      }
    }
    return [Tensor(type: type.type, shape: type.shape, storage: storage)]
  }

  private static func select(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let type = types[0]
    let condition = try context.constant(0).broadcast(to: type.shape)
    let (x, y) = (
      try context.constant(1).broadcast(to: type.shape), try context.constant(2).broadcast(to: type.shape)
    )
    let width = type.type.byteWidth
    let storage = TensorStorage(byteCount: type.shape.elementCount * width) { target in
      condition.storage.withUnsafeBytes { condition in
        x.storage.withUnsafeBytes { x in
          y.storage.withUnsafeBytes { y in
            for index in target.indices { target[index] = condition[index / width] != 0 ? x[index] : y[index] }
          }
        }
      }
    }
    return [Tensor(type: type.type, shape: type.shape, storage: storage)]
  }

  private static func trilu(_ context: NodeContext, _ types: [TensorType]) throws(GraphError) -> [Tensor]? {
    let x = try context.constant(0)
    let keepsUpper = try context.flag("upper", default: true)
    let shift = try context.has(1) ? context.integer(1) : 0
    let (rows, columns) = (x.shape[x.shape.count - 2], x.shape[x.shape.count - 1])
    let width = x.type.byteWidth
    let storage = TensorStorage(byteCount: x.storage.byteCount) { target in
      x.storage.withUnsafeBytes { source in
        for row in 0..<(columns == 0 ? 0 : x.elementCount / columns) {
          let diagonal = (row % rows).addingReportingOverflow(shift)
          let edge = max(0, min(columns, diagonal.overflow ? (shift < 0 ? 0 : columns) : diagonal.partialValue))
          // The diagonal belongs to both triangles.
          let past = diagonal.overflow || diagonal.partialValue >= columns ? columns : max(0, diagonal.partialValue + 1)
          let kept = keepsUpper ? edge..<columns : 0..<past
          let from = (row * columns + kept.lowerBound) * width
          let to = (row * columns + kept.upperBound) * width
          UnsafeMutableRawBufferPointer(rebasing: target[from..<to])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[from..<to]))
        }
      }
    }
    return [Tensor(type: x.type, shape: x.shape, storage: storage)]
  }
}
