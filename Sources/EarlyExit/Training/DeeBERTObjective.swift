/// Dense, tanh, linear on pooled vectors. Parameters are [hidden, features + 1], then [classes, hidden + 1].
struct DeeBERTObjective: RampObjective {
  let isConvex = false
  var l2: Float = 0
  private let hidden: Int
  private let scaling: FeatureScaling
  /// Row-major [items, features + 1].
  private let inputs: [Float]
  private var loss: ClassifierLoss
  /// Row-major [items, hidden + 1], the last column being ones.
  private var activations: [Float]
  private var activationGradient: [Float]

  init(_ features: FeatureMatrix, hidden: Int, classes: Int, targets: SoftmaxCrossEntropy.Targets) {
    self.hidden = hidden
    scaling = FeatureScaling(features)
    inputs = scaling.standardisedWithOnes(features)
    loss = ClassifierLoss(
      items: features.items, classes: classes, depth: hidden + 1, targets: targets, rows: features.items)
    activations = [Float](repeating: 1, count: features.items * (hidden + 1))
    activationGradient = activations
  }

  /// Features and the one for the bias.
  private var depth: Int { scaling.mean.count + 1 }
  private var poolerCount: Int { hidden * depth }

  func start(_ generator: inout SplitMix64) -> [Float] {
    generator.uniformMatrix(rows: hidden, depth: depth) + generator.uniformMatrix(rows: loss.classes, depth: hidden + 1)
  }

  mutating func evaluate(_ parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>) -> Double {
    let classifier = parameters + poolerCount
    let classifierGradient = gradient + poolerCount
    var value = penalty(parameters, rows: hidden, depth: depth, gradient: gradient)
    value += penalty(classifier, rows: loss.classes, depth: hidden + 1, gradient: classifierGradient)

    let (items, width) = (loss.items, hidden + 1)
    DenseProducts.multiply(
      inputs, rows: items, parameters, columns: hidden, depth: depth, into: &activations, stride: width)
    // Goes over the ones, too, and puts them back.
    Elementary.replaceByTanh(&activations)
    for item in 0..<items { activations[item * width + hidden] = 1 }

    value += loss.add(activations, rows: items, parameters: classifier, gradient: classifierGradient)
    loss.inputGradient(rows: items, parameters: classifier, into: &activationGradient)
    // tanh' = 1 - tanh²; what is left in the column of ones is not read.
    activationGradient.withUnsafeMutableBufferPointer { gradient in
      activations.withUnsafeBufferPointer { values in
        for index in 0..<values.count { gradient[index] *= 1 - values[index] * values[index] }
      }
    }
    DenseProducts.accumulate(
      activationGradient, rowStride: width, columnStride: 1, columns: hidden, inputs, rows: items, depth: depth,
      into: gradient)
    return value
  }

  func weights(_ parameters: [Float]) -> RampWeights {
    let (weight, bias) = BiasColumn.separated(parameters[poolerCount...], rows: loss.classes)
    return .deebert(
      pooler: scaling.folded(parameters[..<poolerCount], outputs: hidden),
      classifier: DenseWeights(outputs: loss.classes, inputs: hidden, checked: weight, bias))
  }
}
