/// How the tensor at a site becomes one vector per item, before the ramp's own layers.
public enum RampPooling: String, Sendable, CaseIterable, Codable {
  /// Mean over height and width of [N, C, H, W].
  case globalAverage = "global-average"
  /// Mean and maximum over height and width of [N, C, H, W], one after the other. How much there is on average says little
  /// about small things in an image.
  case globalAverageMaximum = "global-average-maximum"
  /// Mean over the tokens of [N, S, D] that the attention mask admits.
  case maskedMean = "masked-mean"
  /// The first token of [N, S, D], which BERT calls [CLS].
  case firstToken = "first-token"
  /// The tensor is taken as it is.
  case unpooled = "none"
}
