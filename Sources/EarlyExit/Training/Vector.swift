/// Operations of an optimiser on vectors of `count` floats. Dot products are summed in double precision, because line
/// searches compare small differences.
enum Vector {
  static func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int) -> Double {
    var sum = 0.0
    var start = 0
    while start < count {
      let length = min(256, count - start)
      sum += Double(DenseProducts.dot(x + start, y + start, length))
      start += length
    }
    return sum
  }

  static func largestMagnitude(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var largest: Float = 0
    for index in 0..<count { largest = max(largest, abs(x[index])) }
    return largest
  }

  static func negate(_ x: UnsafePointer<Float>, _ count: Int, into result: UnsafeMutablePointer<Float>) {
    for index in 0..<count { result[index] = -x[index] }
  }

  /// result = x + factor · y
  static func addScaled(
    _ x: UnsafePointer<Float>, _ factor: Float, _ y: UnsafePointer<Float>, _ count: Int,
    into result: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<count { result[index] = x[index] + factor * y[index] }
  }

  /// result += factor · x
  static func add(
    _ factor: Float, _ x: UnsafePointer<Float>, _ count: Int, to result: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<count { result[index] += factor * x[index] }
  }
}
