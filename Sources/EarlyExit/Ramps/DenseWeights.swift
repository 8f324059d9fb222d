/// A linear layer: y = weight · x + bias.
public struct DenseWeights: Sendable, Equatable {
  public let outputs: Int
  public let inputs: Int
  /// Row-major [outputs, inputs].
  public let weight: [Float]
  /// [outputs]
  public let bias: [Float]

  /// - Throws: ``EarlyExitError/wrongShape(what:expected:got:)`` unless both arrays have the length of their shape.
  public init(outputs: Int, inputs: Int, weight: [Float], bias: [Float]) throws(EarlyExitError) {
    try LayerShape.check("a linear layer", [outputs, inputs], weight: weight.count, bias: bias.count)
    self.init(outputs: outputs, inputs: inputs, checked: weight, bias)
  }

  init(outputs: Int, inputs: Int, checked weight: [Float], _ bias: [Float]) {
    self.outputs = outputs
    self.inputs = inputs
    self.weight = weight
    self.bias = bias
  }

  /// The same layer with outputs divided by `temperature`.
  func divided(by temperature: Float) -> DenseWeights {
    DenseWeights(
      outputs: outputs, inputs: inputs, checked: weight.map { $0 / temperature }, bias.map { $0 / temperature })
  }

  /// Outputs [items, outputs] of row-major `values` [items, inputs].
  func applied(to values: [Float], items: Int) -> [Float] {
    var result = [Float](repeating: 0, count: items * outputs)
    DenseProducts.multiply(values, rows: items, weight, columns: outputs, depth: inputs, into: &result, stride: outputs)
    for item in 0..<items {
      for output in 0..<outputs { result[item * outputs + output] += bias[output] }
    }
    return result
  }
}
