/// 3×3 convolution, ReLU, global average, linear on maps. Parameters are [outputs, channels · 9 + 1], then
/// [classes, outputs + 1].
struct ConvPoolLinearObjective: RampObjective {
  let isConvex = false
  var l2: Float = 0
  private let maps: FeatureMatrix
  private let scaling: ChannelScaling
  private var branch: ConvolutionBranch
  private var loss: ClassifierLoss
  /// [outputs + 1], the last being the one for the bias.
  private var pooled: [Float]
  private var pooledGradient: [Float]

  init(
    _ maps: FeatureMatrix, channels: Int, height: Int, width: Int, outputs: Int, classes: Int,
    targets: SoftmaxCrossEntropy.Targets
  ) {
    self.maps = maps
    scaling = ChannelScaling(maps, channels: channels)
    branch = ConvolutionBranch(channels: channels, height: height, width: width, outputs: outputs, parameters: [])
    loss = ClassifierLoss(items: maps.items, classes: classes, depth: outputs + 1, targets: targets, rows: 1)
    pooled = [Float](repeating: 1, count: outputs + 1)
    pooledGradient = pooled
  }

  private var convolutionCount: Int { branch.outputs * branch.depth }

  func start(_ generator: inout SplitMix64) -> [Float] {
    generator.uniformMatrix(rows: branch.outputs, depth: branch.depth)
      + generator.uniformMatrix(rows: loss.classes, depth: branch.outputs + 1)
  }

  /// Goes map by map: the loss of an item needs no other item, and patches of one map fit a cache.
  mutating func evaluate(_ parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>) -> Double {
    let classifier = parameters + convolutionCount
    let classifierGradient = gradient + convolutionCount
    // The penalty's gradient comes last, because it is on scaled channels and the branch works on raw ones.
    gradient.update(repeating: 0, count: convolutionCount)
    var value = penalty(
      classifier, rows: loss.classes, depth: branch.outputs + 1, gradient: classifierGradient)

    branch.parameters = scaling.folded(UnsafeBufferPointer(start: parameters, count: convolutionCount))
    maps.values.withUnsafeBufferPointer { values in
      for item in 0..<maps.items {
        branch.forward(values.baseAddress! + item * maps.shape.count, into: &pooled)
        value += loss.add(pooled, first: item, rows: 1, parameters: classifier, gradient: classifierGradient)
        loss.inputGradient(rows: 1, parameters: classifier, into: &pooledGradient)
        branch.backward(pooledGradient, into: gradient)
      }
    }
    scaling.fold(gradient: gradient, rows: branch.outputs)
    return value + addPenalty(parameters, gradient: gradient)
  }

  private func addPenalty(_ parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>) -> Double {
    var penaltyGradient = [Float](repeating: 0, count: convolutionCount)
    let value = penalty(parameters, rows: branch.outputs, depth: branch.depth, gradient: &penaltyGradient)
    Vector.add(1, penaltyGradient, convolutionCount, to: gradient)
    return value
  }

  func weights(_ parameters: [Float]) -> RampWeights {
    let (filters, filterBias) = BiasColumn.separated(
      scaling.folded(parameters[..<convolutionCount]), rows: branch.outputs)
    let (weight, bias) = BiasColumn.separated(parameters[convolutionCount...], rows: loss.classes)
    return .convPoolLinear(
      convolution: ConvolutionWeights(
        outputs: branch.outputs, inputs: branch.channels, checked: filters, filterBias),
      classifier: DenseWeights(outputs: loss.classes, inputs: branch.outputs, checked: weight, bias))
  }
}
