/// Limited-memory BFGS for smooth functions (Nocedal and Wright, Numerical Optimization, algorithm 7.5), with a line
/// search for the weak Wolfe conditions by bracketing (Lewis and Overton 2013, algorithm 2.6).
struct LBFGS: Sendable {
  /// Pairs of steps and gradient changes kept; memory is 2 · history · parameters floats.
  var history = 8
  var maximumIterations = 200
  /// Ends when no component of the gradient is larger.
  var gradientTolerance: Float = 1e-4
  /// Ends when ten steps lower the value by less than this share.
  var valueTolerance = 1e-4

  struct Outcome {
    var point: [Float]
    var value: Double
    var iterations: Int
    /// False when the iterations ran out.
    var converged: Bool
  }

  /// Minimises the function whose value `evaluate(point, gradient)` returns and whose gradient it writes.
  ///
  /// `checkpoint` runs once per iteration and ends the search by throwing.
  func minimise(
    from start: [Float], checkpoint: (_ iteration: Int) throws(EarlyExitError) -> Void,
    evaluate: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Double
  ) throws(EarlyExitError) -> Outcome {
    let count = start.count
    var point = start
    var gradient = [Float](repeating: 0, count: count)
    var value = evaluate(point, &gradient)
    var direction = gradient
    var candidate = point
    var candidateGradient = gradient
    var pairs = CorrectionPairs(capacity: history, count: count)

    var valueOfTenAgo = value

    for iteration in 0..<maximumIterations {
      if iteration > 0, iteration % 10 == 0 {
        if valueOfTenAgo - value <= valueTolerance * abs(value) {
          return Outcome(point: point, value: value, iterations: iteration, converged: true)
        }
        valueOfTenAgo = value
      }
      if Vector.largestMagnitude(gradient, count) <= gradientTolerance {
        return Outcome(point: point, value: value, iterations: iteration, converged: true)
      }
      try checkpoint(iteration)
      Vector.negate(gradient, count, into: &direction)
      pairs.applyInverseHessian(to: &direction)
      var slope = Vector.dot(direction, gradient, count)
      if slope >= 0 {
        // Rounding has spoilt the curvature estimate: start again from steepest descent.
        pairs.removeAll()
        Vector.negate(gradient, count, into: &direction)
        slope = Vector.dot(direction, gradient, count)
      }
      // Without curvature there is no scale: a first step of length at most 1.
      let initial = pairs.isEmpty ? min(1, 1 / (-slope).squareRoot()) : 1
      guard
        let (step, reached) = lineSearch(
          point, value: value, direction: direction, slope: slope, initial: initial, candidate: &candidate,
          gradient: &candidateGradient, evaluate: evaluate)
      else {
        // No step lowers the value any more: the limit of single precision.
        return Outcome(point: point, value: value, iterations: iteration, converged: true)
      }
      pairs.append(step: Float(step), direction: direction, from: gradient, to: candidateGradient)
      swap(&point, &candidate)
      swap(&gradient, &candidateGradient)
      value = reached
    }
    return Outcome(point: point, value: value, iterations: maximumIterations, converged: false)
  }

  /// A step that lowers the value enough and flattens the slope enough, with the point, gradient and value there.
  private func lineSearch(
    _ point: [Float], value: Double, direction: [Float], slope: Double, initial: Double, candidate: inout [Float],
    gradient: inout [Float], evaluate: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Double
  ) -> (step: Double, value: Double)? {
    var step = initial
    var low = 0.0
    var high = Double.infinity
    for _ in 0..<30 {
      Vector.addScaled(point, Float(step), direction, point.count, into: &candidate)
      let reached = evaluate(candidate, &gradient)
      // Written so that NaN counts as too high.
      if !(reached <= value + 1e-4 * step * slope) {
        high = step
      } else if Vector.dot(gradient, direction, point.count) < 0.9 * slope {
        low = step
      } else {
        return (step, reached)
      }
      step = high.isFinite ? (low + high) / 2 : 2 * low
    }
    return nil
  }
}
