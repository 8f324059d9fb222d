/// How well a ramp learnt its model's answers, all measured on the validation items.
public struct TrainingReport: Sendable, Equatable {
  public let trainingItems: Int
  public let validationItems: Int
  /// Share of items, in [0, 1], on which the ramp's top-1 answer is the model's own.
  public let validationAgreement: Double
  /// Mean negative log-likelihood, in nats, of the model's answers, before and after temperature calibration.
  public let uncalibratedNLL: Double
  public let calibratedNLL: Double
  /// Expected calibration error of the top-1 probability, in [0, 1], before and after temperature calibration.
  public let uncalibratedECE: Double
  public let calibratedECE: Double
  /// By what the logits were divided, already folded into the last layer's weights.
  public let temperature: Float
  /// The chosen strength of the penalty l2 / 2 · ‖W‖², added to the mean loss, on standardised features.
  public let l2: Float
  /// Steps of the optimiser, over all strengths that were tried.
  public let iterations: Int
  /// False when the iterations ran out at the chosen strength, for a better optimum might exist.
  public let converged: Bool
}
