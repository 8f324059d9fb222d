/// A 3×3 convolution of stride 1 that keeps height and width (one row and column of zeros around the input).
public struct ConvolutionWeights: Sendable, Equatable {
  public let outputs: Int
  public let inputs: Int
  /// Row-major [outputs, inputs, 3, 3], as ONNX `Conv` takes it.
  public let weight: [Float]
  /// [outputs]
  public let bias: [Float]

  /// - Throws: ``EarlyExitError/wrongShape(what:expected:got:)`` unless both arrays have the length of their shape.
  public init(outputs: Int, inputs: Int, weight: [Float], bias: [Float]) throws(EarlyExitError) {
    try LayerShape.check("a convolution", [outputs, inputs, 3, 3], weight: weight.count, bias: bias.count)
    self.init(outputs: outputs, inputs: inputs, checked: weight, bias)
  }

  init(outputs: Int, inputs: Int, checked weight: [Float], _ bias: [Float]) {
    self.outputs = outputs
    self.inputs = inputs
    self.weight = weight
    self.bias = bias
  }
}
