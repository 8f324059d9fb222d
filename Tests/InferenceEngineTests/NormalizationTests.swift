import Foundation
import ModelGraph
import Testing

@testable import InferenceEngine

@Suite struct NormalizationTests {
  // MARK: Softmax

  private func softmax(_ x: Tensor, outer: Int, count: Int, inner: Int) -> [Double] {
    let values = x.doubles
    var result = [Double](repeating: 0, count: values.count)
    for set in [outer, inner].indices(strides: [count * inner, 1]) {
      let exponentials = (0..<count).map { exp(values[set + $0 * inner]) }
      let sum = exponentials.reduce(0, +)
      for r in 0..<count { result[set + r * inner] = exponentials[r] / sum }
    }
    return result
  }

  @Test(arguments: OneNode.Variant.all)
  func softmaxAgreesWithItsDefinitionOnEveryAxis(variant: OneNode.Variant) throws {
    for shape in [[2, 37, 5, 7], [3, 16, 4, 4], [6, 130], [1, 1], [7], [4, 3, 33]] {
      let x = Tensor.numbers(shape)
      for axis in shape.indices {
        let expected = softmax(
          x, outer: shape[..<axis].reduce(1, *), count: shape[axis], inner: shape[(axis + 1)...].reduce(1, *))
        let attributes: [String: Attribute] = ["axis": .int(Int64(axis - shape.count))]
        let y = try OneNode(op: "Softmax", attributes: attributes).with(variant).run([x])[0]
        #expect(y.distance(from: expected, shape: shape) < 5e-7, "axis \(axis) of \(shape)")
        let logarithm = try OneNode(op: "LogSoftmax", attributes: attributes).with(variant).run([x])[0]
        #expect(
          logarithm.distance(from: expected.map { log($0) }, shape: shape) < 1e-6, "log, axis \(axis) of \(shape)")
      }
    }
  }

  @Test func softmaxBeforeOpset13TakesEverythingFromTheAxisOn() throws {
    let x = Tensor.numbers([3, 5, 2, 4])
    for channelsLast in [false, true] {
      let node = OneNode(op: "Softmax", opset: 11, attributes: ["axis": .int(2)], channelsLast: channelsLast)
      #expect(try node.run([x])[0].distance(from: softmax(x, outer: 15, count: 8, inner: 1), shape: x.shape) < 5e-7)
      let byDefault = OneNode(op: "Softmax", opset: 11, channelsLast: channelsLast)
      #expect(
        try byDefault.run([x])[0].distance(from: softmax(x, outer: 3, count: 40, inner: 1), shape: x.shape) < 5e-7)
    }
  }

  @Test func softmaxOfLargeNumbersStaysFinite() throws {
    let y = try OneNode(op: "Softmax").run([Tensor([Float(1e4), 1e4, -.infinity, -1e4], shape: [4])])[0]
    #expect(y.floats == [0.5, 0.5, 0, 0])
  }

  // MARK: By the elements' own moments

  private func normalized(_ values: ArraySlice<Double>, epsilon: Double) -> (
    values: [Double], mean: Double, scale: Double
  ) {
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    let scale = 1 / (variance + epsilon).squareRoot()
    return (values.map { ($0 - mean) * scale }, mean, scale)
  }

  /// Sets of `count` dense elements, then scale and bias by channel.
  private func normalized(
    _ x: Tensor, count: Int, channel: (Int) -> Int, scale: Tensor, bias: Tensor?, epsilon: Double
  ) -> [Double] {
    let (values, scales, biases) = (x.doubles, scale.doubles, bias?.doubles)
    let sets = stride(from: 0, to: values.count, by: count).flatMap {
      normalized(values[$0..<$0 + count], epsilon: epsilon).values
    }
    return sets.enumerated().map { $1 * scales[channel($0)] + (biases?[channel($0)] ?? 0) }
  }

  @Test(arguments: OneNode.Variant.all)
  func layerNormalizationAgreesWithItsDefinition(variant: OneNode.Variant) throws {
    for (shape, axis) in [
      ([2, 3, 768], -1), ([5, 33], 1), ([4, 31], -1), ([3, 1], -1), ([2, 5, 7, 3], 2), ([2, 64], 0),
    ] {
      let x = Tensor.numbers(shape)
      let normalizedShape = Array(shape[(axis < 0 ? shape.count + axis : axis)...])
      let count = normalizedShape.elementCount
      let (scale, bias) = (Tensor.numbers(normalizedShape, seed: 2), Tensor.numbers(normalizedShape, seed: 3))
      for bias in [bias, nil] {
        var node = OneNode(
          op: "LayerNormalization", attributes: ["axis": .int(Int64(axis)), "epsilon": .float(1e-3)], outputs: 3)
        node = node.with(variant)
        let y = try node.run([x, scale, bias])
        let expected = normalized(x, count: count, channel: { $0 % count }, scale: scale, bias: bias, epsilon: 1e-3)
        #expect(y[0].distance(from: expected, shape: shape) < 2e-6, "\(shape) from axis \(axis)")
        let moments = stride(from: 0, to: x.elementCount, by: count).map {
          normalized(x.doubles[$0..<$0 + count], epsilon: 1e-3)
        }
        let statistics = shape[..<(shape.count - normalizedShape.count)] + normalizedShape.map { _ in 1 }
        #expect(y[1].distance(from: moments.map(\.mean), shape: Array(statistics)) < 1e-6)
        #expect(y[2].distance(from: moments.map(\.scale), shape: Array(statistics)) < 1e-6)
      }
    }
  }

  @Test func weightsOfLayerNormalizationBroadcast() throws {
    let x = Tensor.numbers([2, 3, 4])
    let scale = Tensor([2, 3, 4] as [Float], shape: [3, 1])
    let y = try OneNode(op: "LayerNormalization", attributes: ["axis": .int(1)]).run([x, scale])[0]
    let expected = normalized(x, count: 12, channel: { $0 / 4 % 3 }, scale: scale, bias: nil, epsilon: 1e-5)
    #expect(y.distance(from: expected, shape: x.shape) < 2e-6)
  }

  @Test(arguments: OneNode.Variant.all)
  func instanceAndGroupNormalizationAgreeWithTheirDefinitions(variant: OneNode.Variant) throws {
    for (shape, groups) in [([2, 6, 5, 7], 3), ([1, 21, 49], 7), ([3, 4, 2, 3, 4], 1)] {
      let x = Tensor.numbers(shape)
      let channels = shape[1]
      let spatial = shape[2...].reduce(1, *)
      let (scale, bias) = (Tensor.numbers([channels], seed: 2), Tensor.numbers([channels], seed: 3))
      let byChannel: (Int) -> Int = { $0 / spatial % channels }
      let instance = try OneNode(op: "InstanceNormalization").with(variant).run([x, scale, bias])[0]
      let one = normalized(x, count: spatial, channel: byChannel, scale: scale, bias: bias, epsilon: 1e-5)
      #expect(instance.distance(from: one, shape: shape) < 3e-6, "instances of \(shape)")

      let attributes: [String: Attribute] = ["num_groups": .int(Int64(groups))]
      let count = spatial * channels / groups
      let group = try OneNode(op: "GroupNormalization", opset: 21, attributes: attributes).with(variant)
        .run([x, scale, bias])[0]
      let many = normalized(x, count: count, channel: byChannel, scale: scale, bias: bias, epsilon: 1e-5)
      #expect(group.distance(from: many, shape: shape) < 3e-6, "\(groups) groups of \(shape)")

      let (groupScale, groupBias) = (scale.items(0..<groups), bias.items(0..<groups))
      let before = try OneNode(op: "GroupNormalization", opset: 18, attributes: attributes).with(variant)
        .run([x, groupScale, groupBias])[0]
      let perGroup = normalized(
        x, count: count, channel: { $0 / count % groups }, scale: groupScale, bias: groupBias, epsilon: 1e-5)
      #expect(before.distance(from: perGroup, shape: shape) < 3e-6, "\(groups) groups of \(shape), opset 18")
    }
  }

  // MARK: By given moments and by neighbours

  @Test(arguments: OneNode.Variant.all)
  func batchNormalizationAgreesWithItsDefinition(variant: OneNode.Variant) throws {
    for shape in [[2, 21, 5, 7], [3, 64, 4], [5, 19], [1, 3, 2, 2, 2]] {
      let x = Tensor.numbers(shape)
      let channels = shape[1]
      let spatial = shape[2...].reduce(1, *)
      let (scale, bias, mean) = (
        Tensor.numbers([channels], seed: 2), Tensor.numbers([channels], seed: 3), Tensor.numbers([channels], seed: 4)
      )
      let variance = Tensor(Tensor.numbers([channels], seed: 5).floats.map { abs($0) + 0.1 }, shape: [channels])
      // Weights that are computed, not constant, so that no pass folds them into something else.
      var node = OneNode(op: "BatchNormalization", attributes: ["epsilon": .float(1e-3)]).with(variant)
      node.firstConstant = 5
      let y = try node.run([x, scale, bias, mean, variance])[0]
      let expected = x.doubles.enumerated().map { index, value in
        let c = index / spatial % channels
        return (value - mean.doubles[c]) / (variance.doubles[c] + 1e-3).squareRoot() * scale.doubles[c]
          + bias.doubles[c]
      }
      #expect(y.distance(from: expected, shape: shape) < 1e-6, "\(shape)")
    }
  }

  @Test(arguments: OneNode.Variant.all)
  func localResponseNormalizationAgreesWithItsDefinition(variant: OneNode.Variant) throws {
    for (shape, size, beta) in [
      ([2, 21, 3, 4], 5, 0.75), ([1, 64, 2, 2], 4, 0.5), ([3, 3], 9, 0.75), ([2, 40, 5], 1, 2),
    ] {
      let x = Tensor.numbers(shape)
      let channels = shape[1]
      let spatial = shape[2...].reduce(1, *)
      let values = x.doubles
      let expected = values.indices.map { index -> Double in
        let c = index / spatial % channels
        let window = max(0, c - (size - 1) / 2)...min(channels - 1, c + size / 2)
        let sum = window.reduce(0.0) { $0 + values[index + ($1 - c) * spatial] * values[index + ($1 - c) * spatial] }
        return values[index] / pow(2 + 0.3 / Double(size) * sum, beta)
      }
      let node = OneNode(
        op: "LRN",
        attributes: ["size": .int(Int64(size)), "alpha": .float(0.3), "beta": .float(Float(beta)), "bias": .float(2)])
      #expect(
        try node.with(variant).run([x])[0].distance(from: expected, shape: shape) < 2e-6, "\(shape), size \(size)")
    }
  }

  @Test(arguments: OneNode.Variant.all)
  func bitsDoNotDependOnTheBatch(variant: OneNode.Variant) throws {
    let x = Tensor.numbers([5, 37, 3, 5])
    let (scale, bias) = (Tensor.numbers([37], seed: 2), Tensor.numbers([37], seed: 3))
    let row = Tensor.numbers([37, 3, 5], seed: 2)
    let cases: [(OneNode, [Tensor])] = [
      (OneNode(op: "Softmax", attributes: ["axis": .int(1)]), []),
      (OneNode(op: "Softmax", attributes: ["axis": .int(-1)]), []),
      (OneNode(op: "LayerNormalization", attributes: ["axis": .int(1)]), [row]),
      (OneNode(op: "InstanceNormalization"), [scale, bias]),
      (OneNode(op: "BatchNormalization"), [scale, bias, bias, Tensor(scale.floats.map(abs), shape: [37])]),
      (OneNode(op: "LRN", attributes: ["size": .int(5)]), []),
    ]
    for (node, weights) in cases {
      let node = node.with(variant)
      let whole = try node.run([x] + weights)[0].bytes
      let single = try (0..<5).flatMap { try node.run([x.items($0..<$0 + 1)] + weights)[0].bytes }
      #expect(single == whole, "\(node.op)")
    }
  }
}
