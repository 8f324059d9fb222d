/// What a ramp says of the items of the bootstrap set, each by a ramp that was trained without it (cross-fitting).
///
/// The items that validate a ramp are few: with 400 of 2,000 a policy can be certified for 1 % only if none of them
/// disagrees. All items together are evidence enough to let items leave from the first request on.
public struct HeldOutAnswers: Sendable, Equatable {
  /// One error score for each item.
  public let scores: [Float]
  /// Whether the ramp's answer is the model's own.
  public let agrees: [Bool]

  static let folds = 5
}

extension RampTrainer {
  /// Trains a ramp for each fold on the other folds, with the penalty and the temperature of the ramp that was trained on
  /// the split, and asks it for its answers.
  ///
  /// Folds are stretches of items: neighbours in a stream are alike, and a ramp that has learnt one knows the other.
  ///
  /// - Parameters:
  ///   - ramp: as ``train(_:_:_:checkpoint:)`` made it from the same features and labels.
  ///   - step: called with the number of folds done.
  /// - Throws: ``EarlyExitError`` when features and labels do not fit together or to the style.
  public func heldOutAnswers(
    of ramp: TrainedRamp, _ features: FeatureMatrix, _ labels: TeacherLabels, errorScore: ErrorScore,
    step: (Int) -> Void = { _ in }
  ) throws(EarlyExitError) -> HeldOutAnswers {
    var options = options
    options.l2Strengths = [ramp.report.l2]
    let trainer = try RampTrainer(style: style, options: options)
    let folds = min(HeldOutAnswers.folds, features.items)
    guard folds > 1 else { throw .noItems }
    var scores: [Float] = []
    var agrees: [Bool] = []
    for fold in 0..<folds {
      let held = Array(fold * features.items / folds..<(fold + 1) * features.items / folds)
      let others = Array(0..<held[0]) + Array((held[held.count - 1] + 1)..<features.items)
      let trained = try trainer.train(
        features, labels, try TrainingSplit(training: others, validation: held, items: features.items))
      // The fold has chosen a temperature for itself: it goes again.
      let weights = trained.weights.calibrated(by: ramp.report.temperature / trained.report.temperature)
      let predictions = Predictions(
        classes: labels.classes, logits: try weights.logits(of: features.rows(held)),
        answers: held.map { labels.answers[$0] })
      scores += predictions.scores(errorScore)
      agrees += zip(predictions.topClasses, predictions.answers).map { $0 == $1 }
      step(fold + 1)
    }
    return HeldOutAnswers(scores: scores, agrees: agrees)
  }
}

extension Predictions {
  /// The error score of each item.
  fileprivate func scores(_ errorScore: ErrorScore) -> [Float] {
    (0..<items).map { item in
      let row = logits[item * classes..<(item + 1) * classes]
      let top = row.max() ?? 0
      let powers = row.map { Elementary.exp($0 - top) }
      let sum = powers.reduce(0, +)
      return powers.map { $0 / sum }.withUnsafeBufferPointer { errorScore.score(of: $0) }
    }
  }
}
