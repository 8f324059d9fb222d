/// What training one ramp yields.
public struct TrainedRamp: Sendable, Equatable {
  /// Calibrated, for the raw features of the site.
  public let weights: RampWeights
  public let report: TrainingReport
}
