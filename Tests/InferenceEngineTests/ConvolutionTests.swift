import Foundation
import ModelGraph
import Testing

@testable import InferenceEngine

/// Every convolution kernel against the definition, in double precision.
@Suite struct ConvolutionTests {
  struct Case: Sendable, CustomStringConvertible {
    var name: String
    var input: Shape
    var outputs: Int
    var kernel: [Int]
    var strides = [1, 1]
    var dilations = [1, 1]
    /// Above, left, below, right.
    var pads = [0, 0, 0, 0]
    var groups = 1
    var activation: Activation?
    var residual = false

    var description: String { name }

    var outputShape: Shape {
      [input[0], outputs]
        + kernel.indices.map { axis in
          let reach = (kernel[axis] - 1) * dilations[axis] + 1
          return (input[2 + axis] + pads[axis] + pads[axis + kernel.count] - reach) / strides[axis] + 1
        }
    }

    var attributes: [String: Attribute] {
      func ints(_ values: [Int]) -> Attribute { .ints(values.map { Int64($0) }) }
      let own: [String: Attribute] = [
        "kernel_shape": ints(kernel), "strides": ints(strides), "dilations": ints(dilations), "pads": ints(pads),
        "group": .int(Int64(groups)),
      ]
      return own.merging(activation?.attributes ?? [:]) { $1 }
    }
  }

  // Channels and sizes fit vectors of 4 and of 16 floats: oclgrind's device has the former.
  private static let cases = [
    Case(name: "1×1", input: [2, 24, 5, 7], outputs: 40, kernel: [1, 1], activation: Activation(.relu)),
    Case(name: "1×1 with three vectors of outputs", input: [1, 32, 5, 5], outputs: 24, kernel: [1, 1]),
    Case(name: "1×1 with a residual", input: [1, 16, 6, 6], outputs: 19, kernel: [1, 1], residual: true),
    Case(
      name: "direct, stride 2", input: [1, 3, 13, 11], outputs: 20, kernel: [5, 3], strides: [2, 2], pads: [2, 1, 1, 0]),
    Case(
      name: "direct, short rows", input: [3, 2, 9, 8], outputs: 24, kernel: [3, 3], dilations: [2, 1],
      pads: [2, 1, 2, 1], activation: Activation(.relu)),
    Case(
      name: "direct, dilated", input: [2, 16, 9, 9], outputs: 16, kernel: [3, 3], dilations: [2, 2], pads: [2, 2, 2, 2]),
    Case(name: "direct, groups", input: [1, 12, 8, 8], outputs: 18, kernel: [3, 3], pads: [1, 1, 1, 1], groups: 3),
    Case(
      name: "direct, few pixels", input: [1, 32, 5, 5], outputs: 32, kernel: [3, 3], pads: [1, 1, 1, 1],
      activation: Activation(.clip, alpha: 0, beta: 6), residual: true),
    Case(
      name: "Winograd F(2×2)", input: [1, 32, 7, 8], outputs: 48, kernel: [3, 3], pads: [1, 1, 1, 1],
      activation: Activation(.relu), residual: true),
    Case(
      name: "Winograd F(4×4)", input: [2, 32, 17, 18], outputs: 32, kernel: [3, 3], pads: [1, 1, 1, 1],
      activation: Activation(.silu), residual: true),
    Case(
      name: "Winograd with three vectors of outputs", input: [1, 32, 8, 9], outputs: 24, kernel: [3, 3],
      pads: [1, 1, 1, 1]),
    Case(name: "Winograd without padding", input: [1, 32, 19, 21], outputs: 16, kernel: [3, 3]),
    Case(
      name: "depthwise", input: [2, 21, 9, 10], outputs: 21, kernel: [3, 3], pads: [1, 1, 1, 1], groups: 21,
      activation: Activation(.hardSwish, alpha: 1 / 6, beta: 0.5)),
    Case(
      name: "depthwise, 5×5, stride 2", input: [1, 32, 11, 6], outputs: 32, kernel: [5, 5], strides: [2, 2],
      pads: [1, 2, 2, 1], groups: 32),
    Case(
      name: "depthwise, groups of channels", input: [1, 80, 3, 40], outputs: 80, kernel: [3, 3], pads: [1, 1, 1, 1],
      groups: 80, activation: Activation(.relu)),
    Case(
      name: "depthwise, dilated", input: [1, 24, 7, 12], outputs: 24, kernel: [3, 2], dilations: [3, 2],
      pads: [4, 2, 2, 0], groups: 24),
    Case(
      name: "depthwise, a small image", input: [1, 16, 2, 3], outputs: 16, kernel: [5, 5], pads: [2, 2, 2, 2],
      groups: 16),
    Case(
      name: "depthwise multiplier", input: [1, 8, 5, 5], outputs: 16, kernel: [3, 3], pads: [1, 1, 1, 1], groups: 8),
    Case(
      name: "one dimension", input: [2, 10, 23], outputs: 14, kernel: [4], strides: [3], dilations: [2], pads: [1, 2]),
    Case(
      name: "three dimensions", input: [1, 4, 5, 6, 7], outputs: 6, kernel: [2, 3, 2], strides: [1, 2, 1],
      dilations: [1, 1, 2], pads: [1, 0, 1, 0, 1, 1]),
  ]

  @Test(arguments: cases, [KernelTarget.Family.cpu, .gpu])
  func computesTheDefinition(_ layer: Case, family: KernelTarget.Family) throws {
    let weightShape = [layer.outputs, layer.input[1] / layer.groups] + layer.kernel
    let x = Tensor.numbers(layer.input, seed: 1)
    let weights = Tensor.numbers(weightShape, seed: 2)
    let bias = Tensor.numbers([layer.outputs], seed: 3)
    let residual = layer.residual ? Tensor.numbers(layer.outputShape, seed: 4) : nil
    var node = OneNode(op: FusedOperator.conv.rawValue, domain: .apparate, opset: 1, attributes: layer.attributes)
    node.family = family
    // The residual is computed, weights and bias are not: constants are inputs 1 and 2.
    node.constants = [1, 2]
    let result = try node.run([x, weights, bias, residual])[0]
    let scale = Double(weights.elementCount / layer.outputs).squareRoot()
    let expected = reference(layer, x, weights, bias, residual)
    let worst = zip(result.doubles, expected).map { abs($0 - $1) }.max() ?? 0
    #expect(result.shape == layer.outputShape)
    let tolerance = layer.name.hasPrefix("Winograd") ? 5e-5 : 2e-5
    #expect(worst <= tolerance * scale, "differs by \(worst)")
  }

  @Test func filtersThatWinogradLosesRunDirectly() throws {
    let fine = Tensor.numbers([16, 32, 3, 3], seed: 5).floats
    let filter = WinogradFilter(step: 4)
    let good = fine.withUnsafeBufferPointer { filter.relativeError(of: $0, inputs: 32, outputs: 16) }
    #expect(good < 1e-5)
    let zeros = [Float](repeating: 0, count: fine.count)
    #expect(zeros.withUnsafeBufferPointer { filter.relativeError(of: $0, inputs: 32, outputs: 16) } == 0)
    // Neighbouring taps that nearly cancel: what is left of them drowns in the transform.
    let cancelling = fine.enumerated().map { index, tap in
      tap + [1e6, -2e6, 1e6][index % 9 % 3] * (index / 9 % 2 == 0 ? 1 : -1)
    }
    let lost = cancelling.withUnsafeBufferPointer { filter.relativeError(of: $0, inputs: 32, outputs: 16) }
    #expect(lost > good)
    var infinite = fine
    infinite[0] = .infinity
    #expect(
      infinite.withUnsafeBufferPointer { filter.relativeError(of: $0, inputs: 32, outputs: 16) }
        > WinogradFilter.tolerance)
  }

  private func reference(
    _ layer: Case, _ x: Tensor, _ weights: Tensor, _ bias: Tensor, _ residual: Tensor?
  ) -> [Double] {
    let (image, filters, biases, added) = (x.doubles, weights.doubles, bias.doubles, residual?.doubles)
    let rank = layer.kernel.count
    let perGroup = layer.input[1] / layer.groups
    let outputsPerGroup = layer.outputs / layer.groups
    let outputShape = layer.outputShape
    var result: [Double] = []
    for item in 0..<layer.input[0] {
      for output in 0..<layer.outputs {
        for place in places(Array(outputShape[2...])) {
          var sum = biases[output]
          for channel in 0..<perGroup {
            let source = item * layer.input[1] + output / outputsPerGroup * perGroup + channel
            for tap in places(layer.kernel) {
              var at = source
              var weight = output * perGroup + channel
              var isInside = true
              for axis in 0..<rank {
                let position = place[axis] * layer.strides[axis] - layer.pads[axis] + tap[axis] * layer.dilations[axis]
                isInside = isInside && position >= 0 && position < layer.input[2 + axis]
                at = at * layer.input[2 + axis] + position
                weight = weight * layer.kernel[axis] + tap[axis]
              }
              if isInside { sum += image[at] * filters[weight] }
            }
          }
          if let added { sum += added[result.count] }
          result.append(layer.activation.map { $0.applied(to: sum) } ?? sum)
        }
      }
    }
    return result
  }

  private func places(_ extents: [Int]) -> [[Int]] {
    extents.reduce([[]]) { tuples, extent in tuples.flatMap { tuple in (0..<extent).map { tuple + [$0] } } }
  }
}

extension Activation {
  /// The definition, for comparison.
  func applied(to x: Double) -> Double {
    let (a, b) = (Double(alpha), Double(beta))
    return switch kind {
    case .relu: max(0, x)
    case .clip: min(max(x, a), b)
    case .silu: x / (1 + exp(-x))
    case .hardSwish: x * min(max(x / 6 + 0.5, 0), 1)
    case .gelu: x / 2 * (1 + erf(x / 2.0.squareRoot()))
    case .tanh: tanh(x)
    default: .nan
    }
  }
}
