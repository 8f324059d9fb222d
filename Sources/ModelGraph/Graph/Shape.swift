/// One extent of a declared shape: known, or a name that a run binds (`batch`, `sequence`).
public enum Dimension: Sendable, Hashable, CustomStringConvertible {
  case fixed(Int)
  case symbolic(String)

  public var description: String {
    switch self {
    case .fixed(let extent): "\(extent)"
    case .symbolic(let name): name
    }
  }

  public var fixedExtent: Int? {
    if case .fixed(let extent) = self { extent } else { nil }
  }
}

/// A concrete shape: row-major extents, outermost first.
public typealias Shape = [Int]

extension [Int] {
  /// The number of elements of a tensor of this shape. Traps on overflow: shapes are checked on import
  /// and by shape inference, see ``ModelLimits``.
  public var elementCount: Int { reduce(1, *) }

  /// Row-major strides in elements.
  public var rowMajorStrides: [Int] {
    var strides = [Int](repeating: 1, count: count)
    for axis in indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * self[axis + 1] }
    return strides
  }
}
