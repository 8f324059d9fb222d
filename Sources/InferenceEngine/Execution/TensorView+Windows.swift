import ModelGraph

/// Views of the same memory.
extension TensorView {
  /// `extents` elements from `starts` on, every `steps`-th (all of them when `nil`).
  func window(starts: [Int], extents: Shape, steps: [Int]? = nil) -> TensorView {
    var view = self
    view.shape = extents
    guard !extents.contains(0) else { return view }
    view.offset += zip(starts, strides).reduce(0) { $0 + $1.0 * $1.1 }
    if let steps { view.strides = zip(strides, steps).map { $0 * $1 } }
    return view
  }

  /// Elements `range` of one axis.
  func window(_ range: Range<Int>, ofAxis axis: Int) -> TensorView {
    var starts = shape.map { _ in 0 }
    var extents = shape
    starts[axis] = range.lowerBound
    extents[axis] = range.count
    return window(starts: starts, extents: extents)
  }

  func permuted(_ order: [Int]) -> TensorView {
    var view = self
    view.shape = order.map { shape[$0] }
    view.strides = order.map { strides[$0] }
    return view
  }

  /// Repeats the view along new leading axes and axes of extent 1.
  /// - Precondition: the view's shape broadcasts to `target`.
  func broadcast(to target: Shape) -> TensorView {
    let lead = target.count - rank
    var view = self
    view.shape = target
    view.strides = target.indices.map { axis in
      axis < lead || (shape[axis - lead] == 1 && target[axis] != 1) ? 0 : strides[axis - lead]
    }
    return view
  }

  /// One axis as several of the same product, outermost first.
  func splitting(_ axis: Int, into extents: Shape) -> TensorView {
    var view = self
    let inner = extents.rowMajorStrides.map { $0 * strides[axis] }
    view.shape.replaceSubrange(axis...axis, with: extents)
    view.strides.replaceSubrange(axis...axis, with: inner)
    return view
  }

  /// The elements in row-major order under another shape of the same count; `nil` when no strides express that.
  func reshaped(to target: Shape) -> TensorView? {
    guard elementCount > 0 else { return reshapedRowMajor(to: target) }
    var view = self
    view.shape = target
    view.strides = target.map { _ in 1 }
    var runs = StridedAxes(self, axes: Array(0..<rank))
    var (left, stride) = (1, 1)
    for axis in target.indices.reversed() where target[axis] != 1 {
      if left == 1 { (left, stride) = runs.popInnermost() }
      guard left % target[axis] == 0 else { return nil }
      view.strides[axis] = stride
      stride *= target[axis]
      left /= target[axis]
    }
    return view
  }
}
