/// Brings the channels of maps to mean square 1. Nothing is subtracted: the zeros around a map must stay zeros for the
/// scale to fold exactly into a convolution's weights.
struct ChannelScaling: Sendable {
  /// 1 / root mean square, or 0 for a channel that is 0 everywhere.
  let factor: [Float]

  init(_ maps: FeatureMatrix, channels: Int) {
    let plane = maps.shape.count / channels
    var squares = [Double](repeating: 0, count: channels)
    maps.values.withUnsafeBufferPointer { values in
      for start in stride(from: 0, to: values.count, by: plane) {
        var sum = 0.0
        for index in start..<start + plane { sum += Double(values[index]) * Double(values[index]) }
        squares[start / plane % channels] += sum
      }
    }
    let count = Double(maps.items * plane)
    factor = squares.map { $0 > 0 ? Float(1 / ($0 / count).squareRoot()) : 0 }
  }

  /// The parameters for raw maps that equal these, row-major [outputs, channels · 9 + 1], for scaled ones.
  func folded(_ parameters: some Collection<Float>) -> [Float] {
    let depth = factor.count * 9 + 1
    return parameters.enumerated().map { index, value in
      let column = index % depth
      return column < depth - 1 ? value * factor[column / 9] : value
    }
  }

  /// The gradient with regard to parameters for scaled maps, in place of that for raw ones: the same map, by the chain
  /// rule.
  func fold(gradient: UnsafeMutablePointer<Float>, rows: Int) {
    let depth = factor.count * 9 + 1
    for row in 0..<rows {
      for column in 0..<depth - 1 { gradient[row * depth + column] *= factor[column / 9] }
    }
  }
}
