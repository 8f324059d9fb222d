/// The loops of a copy between two views of one shape, in the order of the target's memory (outermost first), without
/// axes of extent 1 and merged where one continues another in both views.
struct CopyLoops: Sendable {
  struct Axis: Sendable {
    var extent: Int
    /// In elements, in the source and in the target.
    var from: Int
    var to: Int
  }

  private(set) var axes: [Axis] = []

  init(from: TensorView, to: TensorView) {
    let order = from.shape.indices
      .filter { from.shape[$0] != 1 }
      .sorted { (abs(to.strides[$0]), $1) > (abs(to.strides[$1]), $0) }
    for axis in order { append(Axis(extent: from.shape[axis], from: from.strides[axis], to: to.strides[axis])) }
  }

  private mutating func append(_ axis: Axis) {
    if let last = axes.last, last.from == axis.from * axis.extent, last.to == axis.to * axis.extent {
      axes[axes.count - 1] = Axis(extent: last.extent * axis.extent, from: axis.from, to: axis.to)
    } else {
      axes.append(axis)
    }
  }

  /// Of one element each, when all extents are 1.
  var row: Axis { axes.last ?? Axis(extent: 1, from: 1, to: 1) }

  /// The axis along which the source runs, when the target runs along another: the copy is a transposition.
  var sideways: Int? {
    guard let row = axes.last, row.to == 1, row.from != 0, row.from != 1 else { return nil }
    return axes.indices.dropLast().last { axes[$0].from == 1 }
  }
}
