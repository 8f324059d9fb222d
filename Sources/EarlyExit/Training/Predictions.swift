/// What a ramp says of items whose answers are known.
struct Predictions: Sendable {
  let classes: Int
  /// Row-major [items, classes].
  let logits: [Float]
  /// The model's own answers.
  let answers: [Int]

  var items: Int { answers.count }

  /// The ramp's top-1 class of each item; the first of equals.
  var topClasses: [Int] {
    (0..<items).map { item in
      let row = item * classes
      return (1..<classes).reduce(0) { logits[row + $1] > logits[row + $0] ? $1 : $0 }
    }
  }

  /// Share of items, in [0, 1], on which the top-1 class is the model's.
  var agreement: Double { Double(zip(topClasses, answers).count { $0 == $1 }) / Double(items) }

  /// Mean negative log-likelihood, in nats, of the answers when logits are divided by `temperature`.
  func negativeLogLikelihood(temperature: Double = 1) -> Double {
    let sum = (0..<items).reduce(0.0) { sum, item in
      let row = softmax(item, temperature)
      return sum + row.logOfSum - (Double(logits[item * classes + answers[item]]) - row.top) / temperature
    }
    return sum / Double(items)
  }

  /// Expected calibration error in [0, 1]: over bins of equal width of the top-1 probability, the mean distance of mean
  /// probability and agreement, weighted by items (Guo et al., On Calibration of Modern Neural Networks, 2017).
  func expectedCalibrationError(temperature: Double = 1, bins: Int = 15) -> Double {
    var surplus = [Double](repeating: 0, count: bins)
    for (item, top) in topClasses.enumerated() {
      let probability = 1 / softmax(item, temperature).sum
      surplus[min(Int(probability * Double(bins)), bins - 1)] += probability - (top == answers[item] ? 1 : 0)
    }
    return surplus.reduce(0) { $0 + abs($1) } / Double(items)
  }

  /// The temperature of least negative log-likelihood within `range`.
  ///
  /// In 1 / temperature the likelihood is concave, so its slope has one zero, which halving finds. The range keeps
  /// probabilities apart when validation has no error at all: sharper ones would all round to 1, and no threshold could
  /// tell them apart.
  func bestTemperature(in range: ClosedRange<Double> = 0.25...32) -> Double {
    var (low, high) = (range.lowerBound, range.upperBound)
    if slope(temperature: low) <= 0 { return low }
    if slope(temperature: high) >= 0 { return high }
    for _ in 0..<40 {
      let middle = (low * high).squareRoot()
      if slope(temperature: middle) > 0 { low = middle } else { high = middle }
    }
    return (low * high).squareRoot()
  }

  /// The derivative of the mean negative log-likelihood with regard to 1 / temperature: positive when a higher
  /// temperature is better.
  private func slope(temperature: Double) -> Double {
    let sum = (0..<items).reduce(0.0) { sum, item in
      let row = softmax(item, temperature)
      return sum + row.mean - (Double(logits[item * classes + answers[item]]) - row.top)
    }
    return sum / Double(items)
  }

  /// Of one item's logits z: the largest; Σ exp((z - top) / T), its logarithm; and the mean of z - top under the
  /// probabilities.
  private func softmax(
    _ item: Int, _ temperature: Double
  ) -> (top: Double, sum: Double, logOfSum: Double, mean: Double) {
    logits.withUnsafeBufferPointer { logits in
      let row = item * classes
      var top = logits[row]
      for label in 1..<classes { top = max(top, logits[row + label]) }
      var sum = 0.0
      var weighted = 0.0
      let factor = Float(1 / temperature)
      for label in 0..<classes {
        let distance = logits[row + label] - top
        let share = Double(Elementary.exp(distance * factor))
        sum += share
        weighted += share * Double(distance)
      }
      return (Double(top), sum, Elementary.log(sum), weighted / sum)
    }
  }
}
