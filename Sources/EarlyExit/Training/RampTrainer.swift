/// Trains the ramp of one site to give the original model's answers.
///
/// A pure function: the same input gives the same bits, on any thread. Sites do not depend on one another, so they can
/// be trained at the same time. Design §1.
public struct RampTrainer: Sendable {
  public let style: RampStyle
  public let options: TrainingOptions

  /// - Parameter options: nil means the style's defaults.
  /// - Throws: ``EarlyExitError/invalidOption(name:expected:got:)``
  public init(style: RampStyle = .poolingLinear, options: TrainingOptions? = nil) throws(EarlyExitError) {
    let options = options ?? TrainingOptions(for: style)
    try options.validate()
    self.style = style
    self.options = options
  }

  /// Trains on `split.training`, chooses the L2 strength and the temperature on `split.validation`.
  ///
  /// - Parameters:
  ///   - features: of all items of the bootstrap set: pooled vectors, or maps for ``RampStyle/convPoolLinear``.
  ///   - checkpoint: runs before each step of the optimiser; throwing ends the training with that error, for example
  ///     ``EarlyExitError/trainingCancelled``.
  /// - Throws: ``EarlyExitError`` when features, labels and split do not fit together or to the style.
  /// - Complexity: O(strengths · iterations · items · parameters); memory is 20 times the parameters beside the features.
  public func train(
    _ features: FeatureMatrix, _ labels: TeacherLabels, _ split: TrainingSplit,
    checkpoint: (TrainingProgress) throws(EarlyExitError) -> Void = { (_) throws(EarlyExitError) in }
  ) throws(EarlyExitError) -> TrainedRamp {
    guard features.items == labels.items else {
      throw .wrongShape(
        what: "the bootstrap set", expected: "features of \(labels.items) items", got: "\(features.items)")
    }
    if let last = (split.training + split.validation).max(), last >= labels.items {
      throw .invalidOption(name: "split", expected: "indices from 0 to \(labels.items - 1)", got: "\(last)")
    }
    let training = features.rows(split.training)
    let targets = try targets(labels, split)
    let validation = ValidationSet(
      features: features.rows(split.validation), classes: labels.classes,
      answers: split.validation.map { labels.answers[$0] })

    switch (style, features.shape) {
    case (.poolingLinear, .vector):
      let objective = PoolingLinearObjective(training, classes: labels.classes, targets: targets)
      return try search(objective, training.items, validation, checkpoint)
    case (.deebert, .vector(let width)):
      let objective = DeeBERTObjective(
        training, hidden: options.hiddenUnits ?? width, classes: labels.classes, targets: targets)
      return try search(objective, training.items, validation, checkpoint)
    case (.convPoolLinear, .map(let channels, let height, let width)):
      let objective = ConvPoolLinearObjective(
        training, channels: channels, height: height, width: width, outputs: options.convolutionOutputs,
        classes: labels.classes, targets: targets)
      return try search(objective, training.items, validation, checkpoint)
    case (.poolingLinear, .map), (.deebert, .map), (.convPoolLinear, .vector):
      throw .wrongShape(
        what: "the features of a \(style.rawValue) ramp", expected: style == .convPoolLinear ? "maps" : "vectors",
        got: "\(features.shape)")
    }
  }

  private func targets(
    _ labels: TeacherLabels, _ split: TrainingSplit
  ) throws(EarlyExitError) -> SoftmaxCrossEntropy.Targets {
    switch options.targets {
    case .answers:
      return .answers(split.training.map { Int32(labels.answers[$0]) })
    case .probabilities:
      guard let probabilities = labels.probabilities else {
        throw .invalidOption(name: "targets", expected: "labels with the model's probabilities", got: "answers only")
      }
      let classes = labels.classes
      return .probabilities(split.training.flatMap { probabilities[$0 * classes..<($0 + 1) * classes] })
    }
  }

  /// Minimises the objective at each L2 strength and keeps the ramp that validation finds most likely.
  private func search<Objective: RampObjective>(
    _ objective: Objective, _ trainingItems: Int, _ validation: ValidationSet,
    _ checkpoint: (TrainingProgress) throws(EarlyExitError) -> Void
  ) throws(EarlyExitError) -> TrainedRamp {
    var objective = objective
    var generator = SplitMix64(seed: options.seed)
    let start = objective.start(&generator)
    var point = start
    var iterations = 0
    var best: Candidate?
    var worseInARow = 0
    let optimiser = LBFGS(maximumIterations: options.maximumIterations, gradientTolerance: options.gradientTolerance)

    for (strength, l2) in options.l2Strengths.enumerated() {
      objective.l2 = l2
      let outcome = try optimiser.minimise(
        from: point,
        checkpoint: { (iteration) throws(EarlyExitError) in
          try checkpoint(
            TrainingProgress(
              strength: strength, strengths: options.l2Strengths.count, iteration: iteration,
              maximumIterations: options.maximumIterations))
        },
        evaluate: { objective.evaluate($0, gradient: $1) })
      // A strong penalty may have taken all of a deeper ramp's weights to 0, where no gradient leads away.
      point = objective.isConvex ? outcome.point : start
      iterations += outcome.iterations
      let weights = objective.weights(outcome.point)
      let predictions = try validation.predictions(of: weights)
      let candidate = Candidate(
        weights: weights, predictions: predictions, loss: predictions.negativeLogLikelihood(), l2: l2,
        converged: outcome.converged)
      worseInARow = best.map { candidate.loss >= $0.loss } ?? false ? worseInARow + 1 : 0
      if worseInARow == 0 { best = candidate }
      // Loss falls and rises again as the penalty weakens; the weakest penalties take most steps.
      if worseInARow == 2 { break }
    }
    guard let best else { throw .invalidOption(name: "l2Strengths", expected: "at least one", got: "none") }
    return best.calibrated(trainingItems: trainingItems, iterations: iterations)
  }
}

/// The items that choose among ramps.
private struct ValidationSet {
  let features: FeatureMatrix
  let classes: Int
  let answers: [Int]

  func predictions(of weights: RampWeights) throws(EarlyExitError) -> Predictions {
    Predictions(classes: classes, logits: try weights.logits(of: features), answers: answers)
  }
}

/// A ramp as one L2 strength yields it.
private struct Candidate {
  let weights: RampWeights
  let predictions: Predictions
  let loss: Double
  let l2: Float
  let converged: Bool

  func calibrated(trainingItems: Int, iterations: Int) -> TrainedRamp {
    let temperature = predictions.bestTemperature()
    return TrainedRamp(
      weights: weights.calibrated(by: Float(temperature)),
      report: TrainingReport(
        trainingItems: trainingItems, validationItems: predictions.items, validationAgreement: predictions.agreement,
        uncalibratedNLL: predictions.negativeLogLikelihood(),
        calibratedNLL: predictions.negativeLogLikelihood(temperature: temperature),
        uncalibratedECE: predictions.expectedCalibrationError(),
        calibratedECE: predictions.expectedCalibrationError(temperature: temperature),
        temperature: Float(temperature), l2: l2, iterations: iterations, converged: converged))
  }
}
