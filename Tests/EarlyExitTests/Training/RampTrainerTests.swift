import Testing

@testable import EarlyExit

@Suite struct RampTrainerTests {
  private static let vectors: [RampStyle] = [.poolingLinear, .deebert]

  /// Small and quick; `deebert` and `conv-pool-linear` take most steps.
  private func options(_ change: (inout TrainingOptions) -> Void = { _ in }) -> TrainingOptions {
    var options = TrainingOptions(for: .poolingLinear)
    options.l2Strengths = [1e-2, 1e-3]
    options.maximumIterations = 30
    options.hiddenUnits = 6
    options.convolutionOutputs = 4
    change(&options)
    return options
  }

  private func data(
    _ style: RampStyle, items: Int = 120, classes: Int = 3, noise: Float = 1.5, seed: UInt64 = 1
  ) throws -> SyntheticBootstrap {
    try SyntheticBootstrap(
      items: items, shape: style == .convPoolLinear ? .map(channels: 2, height: 4, width: 3) : .vector(10),
      classes: classes, noise: noise, seed: seed)
  }

  @Test(arguments: RampStyle.allCases)
  func learnsWhatCanBeLearnt(style: RampStyle) throws {
    let data = try data(style, noise: 0.5)
    let ramp = try RampTrainer(style: style, options: options()).train(data.features, data.labels, data.split)
    #expect(ramp.report.validationAgreement >= 0.95, "\(ramp.report)")
    #expect(ramp.weights.style == style && ramp.weights.classes == 3)
    #expect(ramp.report.trainingItems + ramp.report.validationItems == 120)
  }

  @Test(arguments: RampStyle.allCases)
  func reportsWhatItsWeightsGive(style: RampStyle) throws {
    let data = try data(style)
    let ramp = try RampTrainer(style: style, options: options()).train(data.features, data.labels, data.split)
    let predictions = Predictions(
      classes: 3, logits: try ramp.weights.logits(of: data.features.rows(data.split.validation)),
      answers: data.split.validation.map { data.labels.answers[$0] })
    let report = ramp.report
    #expect(predictions.agreement == report.validationAgreement)
    #expect(abs(predictions.negativeLogLikelihood() - report.calibratedNLL) < 1e-5)
    #expect(abs(predictions.expectedCalibrationError() - report.calibratedECE) < 1e-3)
    #expect(abs(predictions.bestTemperature() - 1) < 1e-2, "the temperature is folded in")
  }

  @Test(arguments: RampStyle.allCases)
  func calibrationLowersTheLossOfAnOverfittedRamp(style: RampStyle) throws {
    let data = try data(style, items: 60, noise: 3)
    let ramp = try RampTrainer(style: style, options: options { $0.l2Strengths = [0] }).train(
      data.features, data.labels, data.split)
    #expect(ramp.report.calibratedNLL < ramp.report.uncalibratedNLL - 0.01, "\(ramp.report)")
    #expect(ramp.report.temperature > 1)
  }

  @Test(arguments: RampStyle.allCases)
  func givesTheSameBitsEachTimeAndOnEveryThread(style: RampStyle) async throws {
    let data = try data(style, items: 60)
    let trainer = try RampTrainer(style: style, options: options { $0.l2Strengths = [1e-2] })
    let alone = try trainer.train(data.features, data.labels, data.split)
    try await withThrowingTaskGroup(of: TrainedRamp.self) { group in
      for _ in 0..<3 { group.addTask { try trainer.train(data.features, data.labels, data.split) } }
      for try await ramp in group { #expect(ramp == alone) }
    }
  }

  @Test func deeperRampsStartFromTheirSeed() throws {
    let data = try data(.deebert, items: 60)
    let weights = try [UInt64(1), 2].map { seed in
      try RampTrainer(
        style: .deebert,
        options: options {
          $0.seed = seed; $0.maximumIterations = 2
        }
      ).train(
        data.features, data.labels, data.split
      ).weights
    }
    #expect(weights[0] != weights[1])
  }

  /// The data's scale and place do not matter: features are standardised and the weights folded back.
  @Test(arguments: vectors)
  func answersDoNotDependOnTheUnitsOfFeatures(style: RampStyle) throws {
    let data = try data(style)
    let width = data.features.shape.count
    let moved = try FeatureMatrix(
      data.features.values.enumerated().map { index, value in
        value * [0.001, 1, 1000][index % width % 3] + Float(index % width % 4) * 5
      }, items: data.features.items, features: width)
    let trainer = try RampTrainer(style: style, options: options())
    let ramp = try trainer.train(data.features, data.labels, data.split)
    let other = try trainer.train(moved, data.labels, data.split)
    #expect(abs(ramp.report.validationAgreement - other.report.validationAgreement) <= 0.02)
    #expect(abs(ramp.report.calibratedNLL - other.report.calibratedNLL) < 0.02)
  }

  @Test func theOrderOfItemsDoesNotMatter() throws {
    let data = try data(.poolingLinear)
    var order = Array(0..<data.labels.items)
    var generator = SplitMix64(seed: 9)
    generator.shuffle(&order)
    let places = order.enumerated().reduce(into: [Int](repeating: 0, count: order.count)) { $0[$1.element] = $1.offset }
    let ramp = try RampTrainer(options: options()).train(data.features, data.labels, data.split)
    let other = try RampTrainer(options: options()).train(
      data.features.rows(order),
      TeacherLabels(answers: order.map { data.labels.answers[$0] }, classes: data.labels.classes),
      TrainingSplit(
        training: data.split.training.map { places[$0] }, validation: data.split.validation.map { places[$0] },
        items: order.count))
    #expect(other.report.validationAgreement == ramp.report.validationAgreement)
    #expect(abs(other.report.calibratedNLL - ramp.report.calibratedNLL) < 1e-3)
  }

  @Test func aFeatureThatNeverChangesGetsNoWeight() throws {
    let data = try data(.poolingLinear)
    let width = data.features.shape.count + 1
    let values = (0..<data.features.items).flatMap { item -> [Float] in
      Array(data.features.values[item * (width - 1)..<(item + 1) * (width - 1)]) + [1234.5]
    }
    let trainer = try RampTrainer(options: options())
    let ramp = try trainer.train(
      FeatureMatrix(values, items: data.features.items, features: width), data.labels, data.split)
    let without = try trainer.train(data.features, data.labels, data.split)
    for label in 0..<3 { #expect(ramp.weights.classifier.weight[(label + 1) * width - 1] == 0) }
    #expect(ramp.report.validationAgreement == without.report.validationAgreement)
  }

  @Test(arguments: RampStyle.allCases)
  func learnsTheCommonestClassFromConstantFeatures(style: RampStyle) throws {
    let shape = try data(style).features.shape
    let answers = (0..<40).map { $0 % 4 == 0 ? 0 : 2 }
    let labels = try TeacherLabels(answers: answers, classes: 3)
    for value in [Float(0), 7] {
      let features = try FeatureMatrix(
        [Float](repeating: value, count: 40 * shape.count), items: 40, shape: shape)
      let ramp = try RampTrainer(style: style, options: options()).train(features, labels, TrainingSplit(labels))
      #expect(abs(ramp.report.validationAgreement - 0.75) < 0.05, "\(ramp.report)")
      #expect(ramp.weights.classifier.weight.allSatisfy { $0.isFinite })
    }
  }

  @Test(arguments: RampStyle.allCases)
  func alwaysGivesTheOnlyAnswerThatItHasSeen(style: RampStyle) throws {
    let data = try data(style, items: 40)
    let labels = try TeacherLabels(answers: [Int](repeating: 1, count: 40), classes: 3)
    let ramp = try RampTrainer(style: style, options: options()).train(data.features, labels, TrainingSplit(labels))
    #expect(ramp.report.validationAgreement == 1)
    let logits = try ramp.weights.logits(of: data.features)
    #expect(logits.allSatisfy { $0.isFinite })
  }

  @Test(arguments: RampStyle.allCases)
  func survivesOneItem(style: RampStyle) throws {
    let shape = try data(style).features.shape
    let labels = try TeacherLabels(answers: [1], classes: 2)
    let features = try FeatureMatrix((0..<shape.count).map(Float.init), items: 1, shape: shape)
    let ramp = try RampTrainer(style: style, options: options()).train(features, labels, TrainingSplit(labels))
    #expect(ramp.report.validationAgreement == 1)
  }

  @Test(arguments: [Float(1e-30), 1e30])
  func survivesFeaturesOfExtremeSize(scale: Float) throws {
    let data = try data(.poolingLinear, noise: 0.5)
    let scaled = try FeatureMatrix(
      data.features.values.map { $0 * scale }, items: data.features.items, shape: data.features.shape)
    let ramp = try RampTrainer(options: options()).train(scaled, data.labels, data.split)
    #expect(ramp.report.validationAgreement >= 0.95, "\(ramp.report)")
  }

  @Test(arguments: vectors)
  func softTargetsTeachTheModelsDoubts(style: RampStyle) throws {
    let data = try data(style, noise: 0.3)
    let trainer = { targets in
      try RampTrainer(
        style: style,
        options: options {
          $0.targets = targets; $0.l2Strengths = [1e-4]
        })
    }
    let soft = try trainer(.probabilities).train(data.features, data.labels, data.split)
    let hard = try trainer(.answers).train(data.features, data.labels, data.split)
    // Answers are easy to tell apart here, so hard targets end almost certain and soft ones at the model's own 75 %.
    #expect(soft.report.validationAgreement >= 0.95)
    #expect(soft.report.uncalibratedNLL > hard.report.uncalibratedNLL + 0.1)
  }

  @Test func choosesTheStrengthThatValidationPrefers() throws {
    let data = try data(.poolingLinear, items: 60, noise: 3)
    let each = try [Float(1e-1), 1e-2, 0].map { l2 in
      try RampTrainer(
        options: options {
          $0.l2Strengths = [l2]; $0.gradientTolerance = 1e-6
        }
      ).train(
        data.features, data.labels, data.split
      ).report
    }
    let together = try RampTrainer(
      options: options {
        $0.l2Strengths = [1e-1, 1e-2, 0]; $0.gradientTolerance = 1e-6
      }
    )
    .train(data.features, data.labels, data.split).report
    let best = try #require(each.min { $0.uncalibratedNLL < $1.uncalibratedNLL })
    #expect(together.l2 == best.l2)
    #expect(abs(together.uncalibratedNLL - best.uncalibratedNLL) < 1e-3)
    #expect(together.iterations > best.iterations)
  }

  @Test(arguments: RampStyle.allCases)
  func endsWhenItsCheckpointSaysSo(style: RampStyle) throws {
    let data = try data(style, items: 40)
    let trainer = try RampTrainer(style: style, options: options())
    var seen = 0
    #expect(throws: EarlyExitError.trainingCancelled) {
      try trainer.train(data.features, data.labels, data.split) { (_) throws(EarlyExitError) in
        seen += 1
        if seen == 3 { throw .trainingCancelled }
      }
    }
    #expect(seen == 3)
  }

  @Test func progressOnlyGrows() throws {
    let data = try data(.poolingLinear)
    var fractions: [Double] = []
    _ = try RampTrainer(options: options()).train(data.features, data.labels, data.split) {
      (progress) throws(EarlyExitError) in fractions.append(progress.fraction)
    }
    #expect(fractions.count > 5)
    #expect(fractions == fractions.sorted() && fractions.allSatisfy { (0..<1).contains($0) })
  }

  @Test func refusesWhatDoesNotFitTogether() throws {
    let vectors = try data(.poolingLinear, items: 20)
    let maps = try data(.convPoolLinear, items: 20)
    let fewer = try data(.poolingLinear, items: 10)
    #expect(throws: EarlyExitError.self) { try RampTrainer().train(maps.features, maps.labels, maps.split) }
    #expect(throws: EarlyExitError.self) {
      try RampTrainer(style: .deebert).train(maps.features, maps.labels, maps.split)
    }
    #expect(throws: EarlyExitError.self) {
      try RampTrainer(style: .convPoolLinear).train(vectors.features, vectors.labels, vectors.split)
    }
    #expect(
      throws: EarlyExitError.wrongShape(what: "the bootstrap set", expected: "features of 10 items", got: "20")
    ) { try RampTrainer().train(vectors.features, fewer.labels, fewer.split) }
    #expect(throws: EarlyExitError.invalidOption(name: "split", expected: "indices from 0 to 9", got: "19")) {
      try RampTrainer().train(fewer.features, fewer.labels, vectors.split)
    }
    let answersOnly = try TeacherLabels(answers: vectors.labels.answers, classes: 3)
    #expect(throws: EarlyExitError.self) {
      try RampTrainer(options: options { $0.targets = .probabilities }).train(
        vectors.features, answersOnly, vectors.split)
    }
  }

  @Test func refusesOptionsOutOfRange() {
    let changes: [(inout TrainingOptions) -> Void] = [
      { $0.l2Strengths = [] }, { $0.l2Strengths = [-1] }, { $0.l2Strengths = [.nan] }, { $0.maximumIterations = 0 },
      { $0.gradientTolerance = .infinity }, { $0.gradientTolerance = -1 }, { $0.hiddenUnits = 0 },
      { $0.hiddenUnits = .max }, { $0.convolutionOutputs = 0 }, { $0.convolutionOutputs = .max },
    ]
    for (number, change) in changes.enumerated() {
      #expect(throws: EarlyExitError.self, "change \(number)") { try RampTrainer(options: options(change)) }
    }
  }
}
