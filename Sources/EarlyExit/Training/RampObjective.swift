/// What training minimises over a ramp's parameters: the mean cross-entropy on the training items and
/// l2 / 2 · ‖W‖², without the biases.
///
/// Matrices of parameters are row-major with their biases in the last column, on standardised features.
protocol RampObjective {
  /// The strength of the penalty.
  var l2: Float { get set }

  /// Whether there is one minimum only, so that the search for it may start anywhere.
  var isConvex: Bool { get }

  /// Where the search starts.
  func start(_ generator: inout SplitMix64) -> [Float]

  /// The loss and, in `gradient`, its exact gradient.
  mutating func evaluate(_ parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>) -> Double

  /// The ramp for the raw features of the site.
  func weights(_ parameters: [Float]) -> RampWeights
}

extension RampObjective {
  /// Sets `gradient` [rows, depth] to the penalty's gradient and returns the penalty.
  func penalty(
    _ parameters: UnsafePointer<Float>, rows: Int, depth: Int, gradient: UnsafeMutablePointer<Float>
  ) -> Double {
    var squares = 0.0
    for row in 0..<rows {
      let weights = parameters + row * depth
      let target = gradient + row * depth
      squares += Double(DenseProducts.dot(weights, weights, depth - 1))
      for column in 0..<depth - 1 { target[column] = l2 * weights[column] }
      target[depth - 1] = 0
    }
    return 0.5 * Double(l2) * squares
  }
}
