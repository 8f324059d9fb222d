import ModelGraph

extension MovementLowering {
  /// Copies what stays of the input into the result, then fills the borders axis by axis, each from what is there already.
  @Sendable static func pad(_ node: Node, into lowering: inout Lowering) throws {
    let geometry = try PadGeometry(of: node, in: lowering.graph)
    let input = try lowering.operand(0, of: node)
    let kept = zip(input.shape, zip(geometry.begins, geometry.ends)).map { $0 + min(0, $1.0) + min(0, $1.1) }
    let source = input.window(starts: geometry.begins.map { max(0, -$0) }, extents: kept)
    let fill = geometry.mode == .constant ? try lowering.constantView(geometry.value) : nil

    let result = lowering.makeTensor(
      type: input.type, shape: geometry.outputShape, layout: .preferred(by: [input]))
    let begins = geometry.begins.map { max(0, $0) }
    lowering.emitCopy(from: source, to: result.window(starts: begins, extents: kept))
    // Grows axis by axis: all of the result on the axes done, what was kept on the others.
    var (starts, extents) = (begins, kept)
    for axis in kept.indices {
      let inner = starts[axis]..<starts[axis] + extents[axis]
      (starts[axis], extents[axis]) = (0, result.shape[axis])
      let whole = result.window(starts: starts, extents: extents)
      lowering.emitBorders(of: whole, axis: axis, around: inner, mode: geometry.mode, fill: fill)
    }
    lowering.define(node.output(0), result)
  }
}

extension Lowering {
  /// Fills a window outside of `inner` along one axis.
  fileprivate mutating func emitBorders(
    of window: TensorView, axis: Int, around inner: Range<Int>, mode: PadGeometry.Mode, fill: TensorView?
  ) {
    let extent = window.shape[axis]
    let before = window.window(0..<inner.lowerBound, ofAxis: axis)
    let after = window.window(inner.upperBound..<extent, ofAxis: axis)
    guard inner.count < extent, window.elementCount > 0 else { return }
    switch mode {
    case .constant:
      guard let fill else { return }
      for border in [before, after] { emitCopy(from: fill.broadcast(to: border.shape), to: border) }
    case .edge:
      let first = window.window(inner.lowerBound..<inner.lowerBound + 1, ofAxis: axis)
      let last = window.window(inner.upperBound - 1..<inner.upperBound, ofAxis: axis)
      emitCopy(from: first.broadcast(to: before.shape), to: before)
      emitCopy(from: last.broadcast(to: after.shape), to: after)
    case .reflect:
      emitCopy(from: window.reversed(from: 2 * inner.lowerBound, count: before.shape[axis], axis: axis), to: before)
      emitCopy(from: window.reversed(from: inner.upperBound - 2, count: after.shape[axis], axis: axis), to: after)
    case .wrap: emitWrap(of: window, axis: axis, around: inner)
    }
  }

  /// Repeats `inner` outwards; what is filled already doubles with each copy.
  private mutating func emitWrap(of window: TensorView, axis: Int, around inner: Range<Int>) {
    var filled = inner
    while filled.upperBound < window.shape[axis] {
      let count = min(filled.count, window.shape[axis] - filled.upperBound)
      let source = window.window(filled.lowerBound..<filled.lowerBound + count, ofAxis: axis)
      emitCopy(from: source, to: window.window(filled.upperBound..<filled.upperBound + count, ofAxis: axis))
      filled = filled.lowerBound..<filled.upperBound + count
    }
    // To the front, whole periods at a time, from however many there are.
    while filled.lowerBound > 0 {
      let periods = filled.count / inner.count * inner.count
      let count = min(periods, filled.lowerBound)
      let start = filled.lowerBound - count
      let source = window.window(start + periods..<start + periods + count, ofAxis: axis)
      emitCopy(from: source, to: window.window(start..<filled.lowerBound, ofAxis: axis))
      filled = start..<filled.upperBound
    }
  }
}

extension TensorView {
  /// `count` elements of an axis, from `start` towards the front.
  fileprivate func reversed(from start: Int, count: Int, axis: Int) -> TensorView {
    var view = self
    view.shape[axis] = count
    guard !view.shape.contains(0) else { return view }
    view.offset += start * strides[axis]
    view.strides[axis] = -strides[axis]
    return view
  }
}
