import Testing

@testable import EarlyExit

/// Each objective's gradient against central differences of its own value.
@Suite struct GradientTests {
  /// Directional derivatives: one number per random direction tests every component at once, and single components, one
  /// at a time, say where an error is.
  private func check(
    _ objective: some RampObjective, step: Float, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var objective = objective
    objective.l2 = 0.03
    var generator = SplitMix64(seed: 11)
    let count = objective.start(&generator).count
    let point = (0..<count).map { _ in 0.5 * generator.symmetric() }
    var gradient = [Float](repeating: .nan, count: count)
    _ = objective.evaluate(point, gradient: &gradient)
    #expect(gradient.allSatisfy { $0.isFinite }, "components that were not written", sourceLocation: sourceLocation)

    var unused = gradient
    func slope(_ direction: [Float]) -> Double {
      let ahead = objective.evaluate(zip(point, direction).map { $0 + step * $1 }, gradient: &unused)
      let behind = objective.evaluate(zip(point, direction).map { $0 - step * $1 }, gradient: &unused)
      return (ahead - behind) / (2 * Double(step))
    }
    let scale = Double(gradient.map(abs).max() ?? 0)
    var directions: [[Float]] = (0..<4).map { _ in (0..<count).map { _ in generator.symmetric() } }
    for index in Swift.stride(from: 0, to: count, by: max(1, count / 12)) {
      directions.append((0..<count).map { $0 == index ? 1 : 0 })
    }
    for (number, direction) in directions.enumerated() {
      let expected = slope(direction)
      let got = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      #expect(
        abs(got - expected) < 2e-3 * max(scale, abs(expected)), "direction \(number): \(got), expected \(expected)",
        sourceLocation: sourceLocation)
    }
  }

  private func targets(_ data: SyntheticBootstrap, soft: Bool) -> SoftmaxCrossEntropy.Targets {
    soft ? .probabilities(data.labels.probabilities!) : .answers(data.labels.answers.map(Int32.init))
  }

  @Test(arguments: [2, 3, 9], [false, true])
  func poolingLinearHasTheGradientOfItsLoss(classes: Int, soft: Bool) throws {
    let data = try SyntheticBootstrap(items: 13, shape: .vector(18), classes: classes)
    check(
      PoolingLinearObjective(data.features, classes: classes, targets: targets(data, soft: soft)), step: 1e-2)
  }

  @Test(arguments: [false, true])
  func deebertHasTheGradientOfItsLoss(soft: Bool) throws {
    let data = try SyntheticBootstrap(items: 11, shape: .vector(9), classes: 3)
    check(
      DeeBERTObjective(data.features, hidden: 6, classes: 3, targets: targets(data, soft: soft)), step: 1e-2)
  }

  @Test(arguments: [false, true])
  func convPoolLinearHasTheGradientOfItsLoss(soft: Bool) throws {
    let data = try SyntheticBootstrap(items: 7, shape: .map(channels: 3, height: 5, width: 4), classes: 3)
    // A small step: the loss has kinks where a ReLU switches.
    check(
      ConvPoolLinearObjective(
        data.features, channels: 3, height: 5, width: 4, outputs: 4, classes: 3, targets: targets(data, soft: soft)),
      step: 3e-4)
  }
}
