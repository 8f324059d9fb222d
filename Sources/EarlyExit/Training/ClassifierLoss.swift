/// The last linear layer of a ramp and the cross-entropy of its softmax.
struct ClassifierLoss {
  /// All items of the training part, over which the mean goes.
  let items: Int
  let classes: Int
  /// Length of the layer's inputs and the one for the bias.
  let depth: Int
  private let targets: SoftmaxCrossEntropy.Targets
  /// Row-major [rows, stride]: logits, then their gradient.
  private var logits: [Float]
  private let stride: Int

  /// - Parameter rows: the most that are added at once.
  init(items: Int, classes: Int, depth: Int, targets: SoftmaxCrossEntropy.Targets, rows: Int) {
    self.items = items
    self.classes = classes
    self.depth = depth
    self.targets = targets
    stride = SoftmaxCrossEntropy.stride(classes: classes)
    logits = [Float](repeating: 0, count: rows * stride)
  }

  var parameterCount: Int { classes * depth }

  /// The share in the mean loss of the items `first..<first + rows`, whose layer inputs are `inputs` [rows, depth]; adds
  /// to `gradient` that with regard to the parameters. O(rows · classes · depth), without allocation.
  mutating func add(
    _ inputs: UnsafePointer<Float>, first: Int = 0, rows: Int, parameters: UnsafePointer<Float>,
    gradient: UnsafeMutablePointer<Float>
  ) -> Double {
    DenseProducts.multiply(
      inputs, rows: rows, parameters, columns: classes, depth: depth, into: &logits, stride: stride)
    let entropy = SoftmaxCrossEntropy.residuals(
      &logits, rows: rows, classes: classes, targets: targets, firstItem: first, scale: 1 / Float(items))
    DenseProducts.accumulate(
      logits, rowStride: stride, columnStride: 1, columns: classes, inputs, rows: rows, depth: depth, into: gradient)
    return entropy / Double(items)
  }

  /// Sets `gradient` [rows, depth] to the loss's gradient with regard to the inputs that were added last.
  func inputGradient(rows: Int, parameters: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>) {
    gradient.update(repeating: 0, count: rows * depth)
    DenseProducts.accumulate(
      logits, rowStride: 1, columnStride: stride, columns: rows, parameters, rows: classes, depth: depth,
      into: gradient)
  }
}
