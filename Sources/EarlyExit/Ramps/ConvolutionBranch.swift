/// The convolution, ReLU and average pooling of a `conv-pool-linear` ramp on one map at a time, forward and backward.
///
/// A map becomes a matrix of patches [H·W, C·9 + 1], whose rows are what the convolution sees at one position and a one
/// for the bias; convolution and gradient are then matrix products. The matrix is reused from map to map.
struct ConvolutionBranch {
  let channels: Int
  let height: Int
  let width: Int
  let outputs: Int
  /// Row-major [outputs, channels · 9 + 1], the last column being the biases.
  var parameters: [Float]
  private var patches: [Float]
  /// Row-major [H·W, outputs].
  private var activations: [Float]

  /// Patch elements and the one for the bias.
  var depth: Int { channels * 9 + 1 }
  private var positions: Int { height * width }

  init(channels: Int, height: Int, width: Int, outputs: Int, parameters: [Float]) {
    self.channels = channels
    self.height = height
    self.width = width
    self.outputs = outputs
    self.parameters = parameters
    patches = [Float](repeating: 1, count: height * width * (channels * 9 + 1))
    activations = [Float](repeating: 0, count: height * width * outputs)
  }

  init(_ weights: ConvolutionWeights, height: Int, width: Int) {
    self.init(
      channels: weights.inputs, height: height, width: width, outputs: weights.outputs,
      parameters: BiasColumn.joined(weights.weight, bias: weights.bias))
  }

  /// Row-major [items, outputs].
  mutating func pooled(_ maps: FeatureMatrix) -> [Float] {
    var pooled = [Float](repeating: 0, count: maps.items * outputs)
    maps.values.withUnsafeBufferPointer { values in
      pooled.withUnsafeMutableBufferPointer { pooled in
        for item in 0..<maps.items {
          forward(values.baseAddress! + item * maps.shape.count, into: pooled.baseAddress! + item * outputs)
        }
      }
    }
    return pooled
  }

  /// Writes the pooled vector [outputs] of `map` [C, H, W].
  mutating func forward(_ map: UnsafePointer<Float>, into pooled: UnsafeMutablePointer<Float>) {
    fillPatches(map)
    DenseProducts.multiply(
      patches, rows: positions, parameters, columns: outputs, depth: depth, into: &activations, stride: outputs)
    let outputs = outputs
    let share = 1 / Float(positions)
    for output in 0..<outputs { pooled[output] = 0 }
    activations.withUnsafeMutableBufferPointer { activations in
      for start in stride(from: 0, to: activations.count, by: outputs) {
        for output in 0..<outputs {
          let value = max(0, activations[start + output])
          activations[start + output] = value
          pooled[output] += value * share
        }
      }
    }
  }

  /// Adds to `gradient` [outputs, depth] that of the map that ``forward(_:into:)`` saw last, given the loss's gradient
  /// with regard to its pooled vector.
  mutating func backward(_ pooledGradient: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>) {
    let outputs = outputs
    let share = 1 / Float(positions)
    activations.withUnsafeMutableBufferPointer { activations in
      for start in stride(from: 0, to: activations.count, by: outputs) {
        for output in 0..<outputs {
          activations[start + output] = activations[start + output] > 0 ? pooledGradient[output] * share : 0
        }
      }
    }
    DenseProducts.accumulate(
      activations, rowStride: outputs, columnStride: 1, columns: outputs, patches, rows: positions, depth: depth,
      into: gradient)
  }

  private mutating func fillPatches(_ map: UnsafePointer<Float>) {
    let (channels, height, width, depth) = (channels, height, width, depth)
    patches.withUnsafeMutableBufferPointer { patches in
      for y in 0..<height {
        for x in 0..<width {
          var target = (y * width + x) * depth
          for channel in 0..<channels {
            let plane = map + channel * height * width
            for row in (y - 1)...(y + 1) {
              for column in (x - 1)...(x + 1) {
                let inside = row >= 0 && row < height && column >= 0 && column < width
                patches[target] = inside ? plane[row * width + column] : 0
                target += 1
              }
            }
          }
        }
      }
    }
  }
}
