/// Brings features to mean 0 and deviation 1, and undoes that in the weights learnt on them, so that a ramp runs on the
/// raw tensor. Without it the optimiser would take far more steps and one L2 strength would not fit all features.
struct FeatureScaling: Sendable {
  let mean: [Float]
  /// 1 / standard deviation, or 0 for a feature that is constant over the items and so tells nothing.
  let factor: [Float]

  /// Measures vectors.
  init(_ features: FeatureMatrix) {
    let width = features.shape.count
    var sums = [Double](repeating: 0, count: width)
    var squares = sums
    Self.forEachRow(features) { row in for index in 0..<width { sums[index] += Double(row[index]) } }
    let means = sums.map { $0 / Double(features.items) }
    Self.forEachRow(features) { row in
      for index in 0..<width {
        let distance = Double(row[index]) - means[index]
        squares[index] += distance * distance
      }
    }
    mean = means.map(Float.init)
    factor = zip(squares, means).map { square, mean in
      let deviation = (square / Double(features.items)).squareRoot()
      // Rounding leaves about 1e-7 of the mean; what varies less is noise.
      return deviation > 1e-6 * abs(mean) && deviation > Double(Float.leastNormalMagnitude) ? Float(1 / deviation) : 0
    }
  }

  /// Row-major [items, features], each row followed by a one for the bias.
  func standardisedWithOnes(_ features: FeatureMatrix) -> [Float] {
    let width = mean.count
    var result = [Float](repeating: 1, count: features.items * (width + 1))
    var start = 0
    Self.forEachRow(features) { row in
      for index in 0..<width { result[start + index] = (row[index] - mean[index]) * factor[index] }
      start += width + 1
    }
    return result
  }

  /// The layer on raw features that equals this one, row-major with biases last, on standardised features.
  func folded(_ parameters: some Collection<Float>, outputs: Int) -> DenseWeights {
    var (weight, bias) = BiasColumn.separated(parameters, rows: outputs)
    let width = mean.count
    for output in 0..<outputs {
      var shift = 0.0
      for index in 0..<width {
        let folded = weight[output * width + index] * factor[index]
        weight[output * width + index] = folded
        shift += Double(folded) * Double(mean[index])
      }
      bias[output] = Float(Double(bias[output]) - shift)
    }
    return DenseWeights(outputs: outputs, inputs: width, checked: weight, bias)
  }

  private static func forEachRow(_ features: FeatureMatrix, _ body: (UnsafePointer<Float>) -> Void) {
    features.values.withUnsafeBufferPointer { values in
      for item in 0..<features.items { body(values.baseAddress! + item * features.shape.count) }
    }
  }
}
