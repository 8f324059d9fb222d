/// What is known of a value of a specialised graph: element type and fixed extents.
struct TensorType: Sendable, Hashable, CustomStringConvertible {
  var type: DataType
  var shape: Shape

  init(_ type: DataType, _ shape: Shape) {
    self.type = type
    self.shape = shape
  }

  var rank: Int { shape.count }
  var description: String { "\(type) \(shape)" }
}

extension Shape {
  /// The element count when rank, extents and count keep ``ModelLimits``, else `nil`.
  ///
  /// Extents of 0 count as 1 against the limit, so that strides and partial products cannot overflow either.
  var checkedElementCount: Int? {
    guard count <= ModelLimits.rank else { return nil }
    var product = 1
    for extent in self {
      guard extent >= 0, extent <= ModelLimits.elements else { return nil }
      let (next, overflow) = product.multipliedReportingOverflow(by: Swift.max(1, extent))
      guard !overflow, next <= ModelLimits.elements else { return nil }
      product = next
    }
    return contains(0) ? 0 : product
  }

  /// The shape to which two shapes broadcast as in NumPy, or `nil`.
  static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
    var result = a.count >= b.count ? a : b
    for back in stride(from: 1, through: Swift.min(a.count, b.count), by: 1) {
      let x = a[a.count - back]
      let y = b[b.count - back]
      guard x == y || x == 1 || y == 1 else { return nil }
      result[result.count - back] = x == 1 ? y : x
    }
    return result
  }
}
