/// What a prepared model records about one of its ramps.
public struct RampDescription: Sendable, Equatable {
  /// Index of the site: 0 is nearest to the model's input.
  public let ramp: RampID
  /// Name of the tensor at the site in the original model.
  public let siteName: String
  public let style: RampStyle
  public let pooling: RampPooling
  /// Length of the ramp's output, which is the length of the model's own.
  public let classes: Int
  /// Already folded into the weights: shows how far from calibrated training had ended.
  public let temperature: Float
  /// Share of validation items, in [0, 1], on which the ramp's top-1 answer was the model's.
  public let validationAgreement: Double

  public init(
    ramp: RampID, siteName: String, style: RampStyle, pooling: RampPooling, classes: Int, temperature: Float,
    validationAgreement: Double
  ) {
    self.ramp = ramp
    self.siteName = siteName
    self.style = style
    self.pooling = pooling
    self.classes = classes
    self.temperature = temperature
    self.validationAgreement = validationAgreement
  }

  /// Describes a ramp that has just been trained.
  public init(ramp: RampID, siteName: String, pooling: RampPooling, trained: TrainedRamp) {
    self.init(
      ramp: ramp, siteName: siteName, style: trained.weights.style, pooling: pooling, classes: trained.weights.classes,
      temperature: trained.report.temperature, validationAgreement: trained.report.validationAgreement)
  }
}
