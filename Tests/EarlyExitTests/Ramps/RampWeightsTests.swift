import Foundation
import Testing

@testable import EarlyExit

/// Forward evaluation against the definitions, in double precision.
@Suite struct RampWeightsTests {
  private struct Layer {
    let weight: [Float]
    let bias: [Float]

    init(rows: Int, depth: Int, _ generator: inout SplitMix64) {
      weight = (0..<rows * depth).map { _ in generator.symmetric() }
      bias = (0..<rows).map { _ in generator.symmetric() }
    }

    func applied(to x: [Double]) -> [Double] {
      bias.indices.map { row in
        x.indices.reduce(Double(bias[row])) { $0 + Double(weight[row * x.count + $1]) * x[$1] }
      }
    }
  }

  private func random(_ count: Int, _ generator: inout SplitMix64) -> [Float] {
    (0..<count).map { _ in generator.symmetric() }
  }

  private func expectClose(_ got: [Float], _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(got.count == expected.count, sourceLocation: sourceLocation)
    for (index, pair) in zip(got, expected).enumerated() {
      #expect(
        abs(Double(pair.0) - pair.1) < 1e-5 * max(1, abs(pair.1)), "element \(index): \(pair.0), expected \(pair.1)",
        sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: [(1, 1, 2), (3, 8, 3), (5, 37, 10), (34, 19, 7)])
  func poolingLinearIsOneLayer(items: Int, features: Int, classes: Int) throws {
    var generator = SplitMix64(seed: 1)
    let layer = Layer(rows: classes, depth: features, &generator)
    let values = random(items * features, &generator)
    let ramp = RampWeights.poolingLinear(
      try DenseWeights(outputs: classes, inputs: features, weight: layer.weight, bias: layer.bias))
    let logits = try ramp.logits(of: FeatureMatrix(values, items: items, features: features))
    let expected = (0..<items).flatMap { item in
      layer.applied(to: values[item * features..<(item + 1) * features].map(Double.init))
    }
    expectClose(logits, expected)
    #expect(ramp.parameterCount == classes * (features + 1) && ramp.style == .poolingLinear)
  }

  @Test func deebertIsDenseTanhLinear() throws {
    var generator = SplitMix64(seed: 2)
    let (items, features, hidden, classes) = (6, 21, 10, 4)
    let pooler = Layer(rows: hidden, depth: features, &generator)
    let classifier = Layer(rows: classes, depth: hidden, &generator)
    let values = random(items * features, &generator)
    let ramp = RampWeights.deebert(
      pooler: try DenseWeights(outputs: hidden, inputs: features, weight: pooler.weight, bias: pooler.bias),
      classifier: try DenseWeights(outputs: classes, inputs: hidden, weight: classifier.weight, bias: classifier.bias))
    let expected = (0..<items).flatMap { item in
      let x = values[item * features..<(item + 1) * features].map(Double.init)
      return classifier.applied(to: pooler.applied(to: x).map { tanh($0) })
    }
    expectClose(try ramp.logits(of: FeatureMatrix(values, items: items, features: features)), expected)
  }

  @Test(arguments: [(1, 1), (1, 5), (4, 3), (7, 8)])
  func convPoolLinearIsConvolutionReLUMeanLinear(height: Int, width: Int) throws {
    var generator = SplitMix64(seed: 3)
    let (items, channels, outputs, classes) = (3, 3, 5, 4)
    let filters = Layer(rows: outputs, depth: channels * 9, &generator)
    let classifier = Layer(rows: classes, depth: outputs, &generator)
    let values = random(items * channels * height * width, &generator)
    let ramp = RampWeights.convPoolLinear(
      convolution: try ConvolutionWeights(
        outputs: outputs, inputs: channels, weight: filters.weight, bias: filters.bias),
      classifier: try DenseWeights(
        outputs: classes, inputs: outputs, weight: classifier.weight, bias: classifier.bias))

    func pixel(_ item: Int, _ channel: Int, _ y: Int, _ x: Int) -> Double {
      guard (0..<height).contains(y), (0..<width).contains(x) else { return 0 }
      return Double(values[((item * channels + channel) * height + y) * width + x])
    }
    let expected = (0..<items).flatMap { item -> [Double] in
      var pooled = [Double](repeating: 0, count: outputs)
      for y in 0..<height {
        for x in 0..<width {
          let patch = (0..<channels * 9).map { pixel(item, $0 / 9, y + $0 % 9 / 3 - 1, x + $0 % 3 - 1) }
          for (output, value) in filters.applied(to: patch).enumerated() {
            pooled[output] += max(0, value) / Double(height * width)
          }
        }
      }
      return classifier.applied(to: pooled)
    }
    let maps = try FeatureMatrix(
      values, items: items, shape: .map(channels: channels, height: height, width: width))
    expectClose(try ramp.logits(of: maps), expected)
  }

  @Test func calibrationDividesLogitsOfEveryStyle() throws {
    var generator = SplitMix64(seed: 4)
    let dense = { (outputs: Int, inputs: Int) in
      let layer = Layer(rows: outputs, depth: inputs, &generator)
      return try DenseWeights(outputs: outputs, inputs: inputs, weight: layer.weight, bias: layer.bias)
    }
    let filters = try dense(6, 18)
    let ramps: [RampWeights] = [
      .poolingLinear(try dense(3, 32)), .deebert(pooler: try dense(5, 32), classifier: try dense(3, 5)),
      .convPoolLinear(
        convolution: try ConvolutionWeights(outputs: 6, inputs: 2, weight: filters.weight, bias: filters.bias),
        classifier: try dense(3, 6)),
    ]
    let values = random(2 * 32, &generator)
    for ramp in ramps {
      let shape: FeatureShape = ramp.style == .convPoolLinear ? .map(channels: 2, height: 4, width: 4) : .vector(32)
      let features = try FeatureMatrix(values, items: 2, shape: shape)
      let expected = try ramp.logits(of: features).map { Double($0) / 2.5 }
      expectClose(try ramp.calibrated(by: 2.5).logits(of: features), expected)
      #expect(ramp.calibrated(by: 1) == ramp)
    }
  }

  @Test func anItemsLogitsDoNotDependOnItsNeighbours() throws {
    var generator = SplitMix64(seed: 5)
    let layer = Layer(rows: 3, depth: 24, &generator)
    let ramp = RampWeights.poolingLinear(
      try DenseWeights(outputs: 3, inputs: 24, weight: layer.weight, bias: layer.bias))
    let features = try FeatureMatrix(random(9 * 24, &generator), items: 9, features: 24)
    let together = try ramp.logits(of: features)
    for item in 0..<9 {
      let alone = try ramp.logits(of: features.rows([item]))
      for label in 0..<3 { #expect(abs(alone[label] - together[item * 3 + label]) < 1e-5) }
    }
  }

  @Test func refusesWeightsThatDoNotFitTheirShape() {
    #expect(throws: EarlyExitError.wrongShape(what: "the weight of a linear layer", expected: "6 values", got: "5")) {
      try DenseWeights(outputs: 2, inputs: 3, weight: [Float](repeating: 0, count: 5), bias: [0, 0])
    }
    #expect(throws: EarlyExitError.wrongShape(what: "the bias of a convolution", expected: "2 values", got: "1")) {
      try ConvolutionWeights(outputs: 2, inputs: 1, weight: [Float](repeating: 0, count: 18), bias: [0])
    }
    for (outputs, inputs) in [(0, 3), (3, 0), (-1, 2), (.max, .max)] {
      #expect(throws: EarlyExitError.self) { try DenseWeights(outputs: outputs, inputs: inputs, weight: [], bias: []) }
      #expect(throws: EarlyExitError.self) {
        try ConvolutionWeights(outputs: outputs, inputs: inputs, weight: [], bias: [])
      }
    }
  }

  @Test func refusesFeaturesOfAnotherSite() throws {
    let ramp = RampWeights.poolingLinear(
      try DenseWeights(outputs: 2, inputs: 3, weight: [Float](repeating: 0, count: 6), bias: [0, 0]))
    let features = try FeatureMatrix([1, 2, 3, 4], items: 1, features: 4)
    #expect(
      throws: EarlyExitError.wrongShape(
        what: "the features of a pooling-linear ramp", expected: "vectors of 3 features", got: "vectors of 4 features")
    ) { try ramp.logits(of: features) }
  }
}
