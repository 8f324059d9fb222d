/// All a ramp has learnt, ready to run on the raw tensor of its site: feature standardisation and temperature are
/// folded in.
public enum RampWeights: Sendable, Equatable {
  /// logits = classifier · pooled
  case poolingLinear(DenseWeights)
  /// logits = classifier · tanh(pooler · pooled)
  case deebert(pooler: DenseWeights, classifier: DenseWeights)
  /// logits = classifier · mean over H×W of relu(convolution * map)
  case convPoolLinear(convolution: ConvolutionWeights, classifier: DenseWeights)

  public var style: RampStyle {
    switch self {
    case .poolingLinear: .poolingLinear
    case .deebert: .deebert
    case .convPoolLinear: .convPoolLinear
    }
  }

  /// The last layer, whose outputs are the logits.
  public var classifier: DenseWeights {
    switch self {
    case .poolingLinear(let classifier), .deebert(_, let classifier), .convPoolLinear(_, let classifier): classifier
    }
  }

  public var classes: Int { classifier.outputs }

  public var parameterCount: Int {
    let last = classifier.weight.count + classifier.bias.count
    return switch self {
    case .poolingLinear: last
    case .deebert(let pooler, _): last + pooler.weight.count + pooler.bias.count
    case .convPoolLinear(let convolution, _): last + convolution.weight.count + convolution.bias.count
    }
  }

  /// The same ramp with logits divided by `temperature`: its answers stay, its probabilities become less sure when
  /// `temperature` is above 1.
  public func calibrated(by temperature: Float) -> RampWeights {
    let classifier = classifier.divided(by: temperature)
    return switch self {
    case .poolingLinear: .poolingLinear(classifier)
    case .deebert(let pooler, _): .deebert(pooler: pooler, classifier: classifier)
    case .convPoolLinear(let convolution, _): .convPoolLinear(convolution: convolution, classifier: classifier)
    }
  }

  /// The ramp's definition, evaluated on the host: row-major logits [items, classes].
  ///
  /// `features` are the pooled vectors of the site, or its maps for ``convPoolLinear(convolution:classifier:)``.
  /// - Throws: ``EarlyExitError/wrongShape(what:expected:got:)`` when the features are not those of this ramp.
  public func logits(of features: FeatureMatrix) throws(EarlyExitError) -> [Float] {
    switch self {
    case .poolingLinear(let classifier):
      try features.requireVectors(of: classifier.inputs, for: style)
      return classifier.applied(to: features.values, items: features.items)
    case .deebert(let pooler, let classifier):
      try features.requireVectors(of: pooler.inputs, for: style)
      let hidden = pooler.applied(to: features.values, items: features.items).map(Elementary.tanh)
      return classifier.applied(to: hidden, items: features.items)
    case .convPoolLinear(let convolution, let classifier):
      guard case .map(convolution.inputs, let height, let width) = features.shape else {
        throw .wrongShape(
          what: "the features of a \(style.rawValue) ramp", expected: "maps of \(convolution.inputs) channels",
          got: "\(features.shape)")
      }
      var branch = ConvolutionBranch(convolution, height: height, width: width)
      return classifier.applied(to: branch.pooled(features), items: features.items)
    }
  }
}
