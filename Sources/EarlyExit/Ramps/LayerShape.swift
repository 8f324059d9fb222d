/// Whether arrays of weights have the length of their layer's shape.
enum LayerShape {
  /// - Parameter shape: of the weight, outputs first; the bias has one number per output.
  static func check(_ layer: String, _ shape: [Int], weight: Int, bias: Int) throws(EarlyExitError) {
    guard let count = elementCount(shape) else {
      throw .wrongShape(what: "the shape of \(layer)", expected: "positive sizes", got: "\(shape)")
    }
    try require(weight, count, "the weight of \(layer)")
    try require(bias, shape[0], "the bias of \(layer)")
  }

  static func require(_ count: Int, _ expected: Int, _ what: String) throws(EarlyExitError) {
    guard count == expected else { throw .wrongShape(what: what, expected: "\(expected) values", got: "\(count)") }
  }

  /// The product of all sizes, or nil unless each is positive and as many floats could be addressed.
  static func elementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard size > 0, !overflow, product <= Int.max / 64 else { return nil }
      count = product
    }
    return count
  }
}
