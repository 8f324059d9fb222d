import Wire

/// Gives names to extents that a file leaves open.
struct DimensionNames {
  private var taken: Set<String>

  /// Avoids the names that `values` use themselves.
  init(avoiding values: some Sequence<ONNXValue>) {
    taken = Set(values.lazy.compactMap(\.tensorType?.dimensions).joined().compactMap(\.parameter))
  }

  /// The declared extents of `value`, checked; `nil` when even the rank is unknown.
  mutating func shape(of value: ONNXValue) throws(ImportError) -> [Dimension]? {
    guard let dimensions = value.tensorType?.dimensions else { return nil }
    _ = try ModelLimits.checkedShape(
      dimensions.map { $0.parameter?.isEmpty == false ? 1 : $0.extent ?? 1 }, of: value.name)
    var shape: [Dimension] = []
    for (axis, dimension) in dimensions.enumerated() {
      if let parameter = dimension.parameter, !parameter.isEmpty {
        shape.append(.symbolic(parameter))
      } else if let extent = dimension.extent {
        shape.append(.fixed(Int(extent)))
      } else {
        shape.append(.symbolic(unusedName(like: "\(value.name).\(axis)")))
      }
    }
    return shape
  }

  private mutating func unusedName(like wanted: String) -> String {
    var name = wanted
    while !taken.insert(name).inserted { name += "'" }
    return name
  }
}
