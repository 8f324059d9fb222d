import Foundation
import Testing

@testable import EarlyExit

@Suite struct PredictionsTests {
  private func random(items: Int, classes: Int, spread: Float, seed: UInt64) -> Predictions {
    var generator = SplitMix64(seed: seed)
    var logits: [Float] = []
    var answers: [Int] = []
    for _ in 0..<items {
      let row = (0..<classes).map { _ in 3 * generator.symmetric() }
      // An answer drawn from softmax(row): `row` is calibrated, spread · row is not.
      let weights = row.map { exp(Double($0)) }
      var left = Double(generator.index(below: 1 << 30)) / Double(1 << 30) * weights.reduce(0, +)
      answers.append(
        weights.firstIndex { weight in
          left -= weight; return left < 0
        } ?? classes - 1)
      logits += row.map { spread * $0 }
    }
    return Predictions(classes: classes, logits: logits, answers: answers)
  }

  @Test func negativeLogLikelihoodIsThatOfSoftmax() {
    let predictions = Predictions(classes: 3, logits: [1, 2, 3, 0, 0, 0, 200, -200, 0], answers: [1, 2, 0])
    let first = -log(exp(2.0) / (exp(1.0) + exp(2.0) + exp(3.0)))
    #expect(abs(predictions.negativeLogLikelihood() - (first + log(3.0)) / 3) < 1e-6)
    let halved = -log(exp(1.0) / (exp(0.5) + exp(1.0) + exp(1.5)))
    #expect(abs(predictions.negativeLogLikelihood(temperature: 2) - (halved + log(3.0)) / 3) < 1e-6)
    #expect(predictions.topClasses == [2, 0, 0] && abs(predictions.agreement - 1.0 / 3) < 1e-12)
  }

  @Test(arguments: [Float(0.5), 1, 3, 8])
  func findsTheTemperatureThatLogitsWereMultipliedBy(spread: Float) {
    let predictions = random(items: 4000, classes: 4, spread: spread, seed: 3)
    let temperature = predictions.bestTemperature()
    #expect(abs(temperature / Double(spread) - 1) < 0.1, "temperature \(temperature) for spread \(spread)")
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func noNeighbouringTemperatureIsMoreLikely(seed: UInt64) {
    let predictions = random(items: 60, classes: 3, spread: Float(seed % 4 + 1), seed: seed)
    let temperature = predictions.bestTemperature()
    let best = predictions.negativeLogLikelihood(temperature: temperature)
    for other in [temperature * 0.95, temperature * 1.05, 1] where (0.25...32).contains(other) {
      #expect(predictions.negativeLogLikelihood(temperature: other) >= best - 1e-7)
    }
  }

  @Test func temperatureStaysInRangeWhenAllOrNoAnswersAreRight() {
    let right = Predictions(classes: 2, logits: [1, 0, 0, 2], answers: [0, 1])
    #expect(right.bestTemperature() == 0.25)
    let wrong = Predictions(classes: 2, logits: [1, 0, 0, 2], answers: [1, 0])
    #expect(wrong.bestTemperature() == 32)
    let indifferent = Predictions(classes: 2, logits: [1, 1, 0, 0], answers: [1, 0])
    #expect(indifferent.bestTemperature().isFinite)
  }

  @Test func calibrationErrorIsZeroForHonestAndTheGapForVainProbabilities() {
    // Top-1 probability 3/4, right three times in four.
    let logit = Float(log(3.0))
    let honest = Predictions(
      classes: 2, logits: [logit, 0, logit, 0, logit, 0, logit, 0], answers: [0, 0, 0, 1])
    #expect(honest.expectedCalibrationError() < 1e-6)
    let vain = Predictions(classes: 2, logits: [50, 0, 50, 0, 50, 0, 50, 0], answers: [0, 0, 0, 1])
    #expect(abs(vain.expectedCalibrationError() - 0.25) < 1e-6)
  }

  @Test func calibrationLowersTheCalibrationErrorOfVainLogits() {
    let predictions = random(items: 4000, classes: 3, spread: 4, seed: 8)
    let after = predictions.expectedCalibrationError(temperature: predictions.bestTemperature())
    #expect(after < 0.03 && after < predictions.expectedCalibrationError() / 3)
  }
}
