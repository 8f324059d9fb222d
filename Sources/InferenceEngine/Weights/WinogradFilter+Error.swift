import ModelGraph

extension WinogradFilter {
  /// Relative errors above this make a layer run directly; float rounding alone gives some 1e-6.
  static let tolerance = 1e-4

  /// How far Winograd's algorithm in single precision is from the convolution itself with these filters: the largest
  /// difference over the root mean square of the results, on one seeded tile and a few output channels.
  ///
  /// Filters whose taps differ by many orders of magnitude lose their small ones in the transform (Barabasz et al.,
  /// "Error Analysis and Improving the Accuracy of Winograd Convolution", 2020).
  ///
  /// - Parameter weights: `[outputs][inputs][3][3]`.
  func relativeError(of weights: UnsafeBufferPointer<Float>, inputs: Int, outputs: Int) -> Double {
    let sampled = Array(stride(from: 0, to: outputs, by: max(1, outputs / 4)))
    var generator = SampleGenerator()
    var products = [Float](repeating: 0, count: sampled.count * points)
    var exact = [Double](repeating: 0, count: sampled.count * step * step)
    for input in 0..<inputs {
      let tile = (0..<points).map { _ in generator.next() }
      let transformed = Self.sandwich(inputTransform, tile, side: side)
      for (place, output) in sampled.enumerated() {
        let filter = (0..<9).map { Double(weights[(output * inputs + input) * 9 + $0]) }
        let spread = Self.sandwich(filterTransform, filter, side: 3).map { Float($0) }
        for point in 0..<points {
          products[place * points + point].addProduct(spread[point], transformed[point])
        }
        for y in 0..<step {
          for x in 0..<step {
            for tap in 0..<9 {
              exact[(place * step + y) * step + x] += filter[tap] * Double(tile[(y + tap / 3) * side + x + tap % 3])
            }
          }
        }
      }
    }
    var (worst, squares) = (0.0, 0.0)
    for place in sampled.indices {
      let results = Self.sandwich(
        outputTransform, Array(products[(place * points)..<((place + 1) * points)]), side: side)
      for (index, result) in results.enumerated() {
        let reference = exact[place * step * step + index]
        let difference = abs(Double(result) - reference)
        worst = difference.isNaN ? .infinity : max(worst, difference)
        squares += reference * reference
      }
    }
    guard worst > 0 else { return 0 }
    guard worst.isFinite else { return .infinity }
    let error = worst / (squares / Double(exact.count)).squareRoot()
    return error.isNaN ? .infinity : error
  }

  private var inputTransform: [[Float]] {
    step == 2
      ? [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]
      : [
        [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
      ]
  }

  private var outputTransform: [[Float]] {
    step == 2
      ? [[1, 1, 1, 0], [0, 1, -1, -1]]
      : [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
  }

  /// `M · tile · Mᵀ` for a square tile of `side`.
  private static func sandwich<Number: FloatingPoint>(_ m: [[Number]], _ tile: [Number], side: Int) -> [Number] {
    let half = m.map { row in
      (0..<side).map { x in (0..<side).reduce(into: Number(0)) { $0 += row[$1] * tile[$1 * side + x] } }
    }
    return half.flatMap { line in
      m.map { row in (0..<side).reduce(into: Number(0)) { $0 += row[$1] * line[$1] } }
    }
  }
}

/// Numbers in 0 ..< 1, always the same.
private struct SampleGenerator {
  private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

  mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(state >> 40) * 0x1p-24
  }
}
