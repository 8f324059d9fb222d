import ModelGraph

/// Lowers `Reduce…`; see `Kernels/reduce.cl` for the order of sums.
enum ReductionLowering {
  static let operators: [String: OperatorLowering.Lower] = [
    "ReduceSum": { try lower($0, as: .sum, into: &$1) },
    "ReduceMean": { try lower($0, as: .mean, into: &$1) },
    "ReduceProd": { try lower($0, as: .product, into: &$1) },
    "ReduceMax": { try lower($0, as: .maximum, into: &$1) },
    "ReduceMin": { try lower($0, as: .minimum, into: &$1) },
    "ReduceL1": { try lower($0, as: .l1, into: &$1) },
    "ReduceL2": { try lower($0, as: .l2, into: &$1) },
    "ReduceSumSquare": { try lower($0, as: .sumOfSquares, into: &$1) },
    "ReduceLogSum": { try lower($0, as: .logSum, into: &$1) },
    "ReduceLogSumExp": { try lower($0, as: .logSumExp, into: &$1) },
  ]

  private static func lower(_ node: Node, as reduction: Reduction, into lowering: inout Lowering) throws {
    guard let input = node.input(0), let output = node.output(0) else {
      throw EngineError.unsupported(node: node.name, op: node.op, reason: "it lacks an input or output")
    }
    let axes = try ReduceAxes(of: node, in: lowering.graph)
    let view = try lowering.view(input)
    if reduction == .logSumExp, !view.type.isFloatingPoint {
      throw EngineError.unsupported(
        node: node.name, op: node.op, reason: "exponentials of \(view.type) are not defined")
    }
    if axes.axes.isEmpty, reduction.keepsSingleElement {
      lowering.define(output, view)
      return
    }
    let result = lowering.reduce(view, axes: axes.axes, as: reduction)
    lowering.define(output, result.reshapedRowMajor(to: axes.outputShape))
  }
}

extension Lowering {
  /// A row-major tensor of the view without `axes` (ascending). Reads the view as it lies.
  mutating func reduce(_ view: TensorView, axes: [Int], as reduction: Reduction) -> TensorView {
    let kept = (0..<view.rank).filter { !axes.contains($0) }
    let result = makeTensor(type: view.type, shape: kept.map { view.shape[$0] })
    // Exponentials are taken of the distance from the maximum.
    let shift = reduction == .logSumExp ? reduce(view, axes: axes, as: .maximum) : nil
    emitReduction(
      of: view, outputs: StridedAxes(view, axes: kept), sets: StridedAxes(view, axes: axes), as: reduction,
      shift: shift, to: result)
    return result
  }

  private mutating func emitReduction(
    of view: TensorView, outputs: StridedAxes, sets: StridedAxes, as reduction: Reduction, shift: TensorView?,
    to result: TensorView
  ) {
    let count = sets.count
    var (outer, inner) = (sets, (extent: 1, stride: 1))
    if count > 0 { inner = outer.popInnermost() }
    let operands: [Argument] = [.input(view), .input(shift ?? view), .output(result)]
    let isRun = target.family == .cpu && (inner.extent == count || count == 0)

    if isRun, inner.stride == 1, outputs.strides.last != 1 || count > 1 {
      emit(
        reduction.kernel(.dense, of: view.type),
        operands + [
          .int8(outputs.extents), .int8(outputs.strides), .int(view.offset), .int(outputs.count), .int(count),
        ], tasks: outputs.count, cost: count + 32)
    } else if isRun, outputs.strides.last == 1 {
      var runs = outputs
      let width = runs.popInnermost().extent
      let blocks = runs.count * width.dividedRoundingUp(by: target.vectorWidth)
      emit(
        reduction.kernel(.sideBySide, of: view.type),
        operands + [
          .int8(runs.extents), .int8(runs.strides), .int(view.offset), .int(blocks), .int(width), .int(count),
          .int(inner.stride),
        ], tasks: blocks, cost: count * target.vectorWidth)
    } else {
      emit(
        reduction.kernel(.any, of: view.type),
        operands + [
          .int8(outputs.extents), .int8(outputs.strides), .int8(outer.extents), .int8(outer.strides), .int(view.offset),
          .int(outputs.count), .int(count), .int(inner.extent), .int(inner.stride),
        ], tasks: outputs.count, cost: 4 * count)
    }
  }
}

extension TensorView {
  /// The same elements of a dense row-major view under another shape of the same count.
  func reshapedRowMajor(to shape: Shape) -> TensorView {
    var view = self
    view.shape = shape
    view.strides = shape.rowMajorStrides
    return view
  }
}
