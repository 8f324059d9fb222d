/// Multinomial logistic regression on pooled vectors: convex and smooth. Parameters are [classes, features + 1].
struct PoolingLinearObjective: RampObjective {
  let isConvex = true
  var l2: Float = 0
  private let scaling: FeatureScaling
  private let inputs: [Float]
  private var loss: ClassifierLoss

  init(_ features: FeatureMatrix, classes: Int, targets: SoftmaxCrossEntropy.Targets) {
    scaling = FeatureScaling(features)
    inputs = scaling.standardisedWithOnes(features)
    loss = ClassifierLoss(
      items: features.items, classes: classes, depth: features.shape.count + 1, targets: targets, rows: features.items)
  }

  func start(_ generator: inout SplitMix64) -> [Float] { [Float](repeating: 0, count: loss.parameterCount) }

  mutating func evaluate(_ parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>) -> Double {
    penalty(parameters, rows: loss.classes, depth: loss.depth, gradient: gradient)
      + loss.add(inputs, rows: loss.items, parameters: parameters, gradient: gradient)
  }

  func weights(_ parameters: [Float]) -> RampWeights {
    .poolingLinear(scaling.folded(parameters, outputs: loss.classes))
  }
}
