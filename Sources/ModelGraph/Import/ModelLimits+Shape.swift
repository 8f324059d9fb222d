extension ModelLimits {
  /// The extents in `dimensions`, which must be those of a tensor that we can address.
  ///
  /// Extents of 0 are allowed, but do not excuse the others: strides are products of them.
  static func checkedShape(_ dimensions: some Collection<Int64>, of value: String) throws(ImportError) -> Shape {
    guard dimensions.count <= rank else {
      throw .invalidShape(value: value, expected: "at most \(rank) axes", got: "\(dimensions.count)")
    }
    var product = 1
    for extent in dimensions {
      guard extent >= 0, extent <= elements else {
        throw .invalidShape(value: value, expected: "extents from 0 to \(elements)", got: "\(extent)")
      }
      product *= max(1, Int(extent))
      guard product <= elements else {
        throw .invalidShape(value: value, expected: "at most \(elements) elements", got: "\(Array(dimensions))")
      }
    }
    return dimensions.map { Int($0) }
  }
}
