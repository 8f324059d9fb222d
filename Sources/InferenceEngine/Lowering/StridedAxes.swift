/// Some axes of a view, merged where one continues another, without those of extent 1. Walked in row-major order.
struct StridedAxes: Sendable {
  private(set) var extents: [Int] = []
  /// In elements.
  private(set) var strides: [Int] = []

  init(_ view: TensorView, axes: [Int]) {
    for axis in axes where view.shape[axis] != 1 { append(extent: view.shape[axis], stride: view.strides[axis]) }
  }

  private mutating func append(extent: Int, stride: Int) {
    if let last = extents.indices.last, strides[last] == stride * extent {
      extents[last] *= extent
      strides[last] = stride
    } else {
      extents.append(extent)
      strides.append(stride)
    }
  }

  var count: Int { extents.elementCount }

  /// Takes the innermost axis off; an axis of one element when there is none.
  mutating func popInnermost() -> (extent: Int, stride: Int) {
    guard let extent = extents.popLast(), let stride = strides.popLast() else { return (1, 1) }
    return (extent, stride)
  }
}
