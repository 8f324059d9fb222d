@testable import EarlyExit

/// Seeded bootstrap sets that ramps can learn from, with errors left: classes are clouds around random centres.
struct SyntheticBootstrap {
  let features: FeatureMatrix
  let labels: TeacherLabels
  let split: TrainingSplit

  /// - Parameter noise: the clouds' half-width; centres are in [-1, 1] per feature.
  init(
    items: Int, shape: FeatureShape, classes: Int, noise: Float = 1.5, trainingFraction: Double = 0.5, seed: UInt64 = 1
  ) throws {
    var generator = SplitMix64(seed: seed)
    let width = shape.count
    let centres = (0..<classes * width).map { _ in generator.symmetric() }
    var values: [Float] = []
    var answers: [Int] = []
    for _ in 0..<items {
      let answer = generator.index(below: classes)
      answers.append(answer)
      // Two draws make the clouds fall off towards their edges. Features differ in scale and place.
      for index in 0..<width {
        let value = centres[answer * width + index] + noise * (generator.symmetric() + generator.symmetric())
        values.append(value * Float(index % 5 + 1) + Float(index % 3) * 10)
      }
    }
    // The model's probabilities: sure of its answer, more or less.
    var probabilities: [Float] = []
    for answer in answers {
      let sure = 0.75 + 0.2 * generator.symmetric()
      probabilities += (0..<classes).map { $0 == answer ? sure : (1 - sure) / Float(classes - 1) }
    }
    features = try FeatureMatrix(values, items: items, shape: shape)
    labels = try TeacherLabels(answers: answers, classes: classes, probabilities: probabilities)
    split = try TrainingSplit(labels, trainingFraction: trainingFraction, seed: seed)
  }
}
