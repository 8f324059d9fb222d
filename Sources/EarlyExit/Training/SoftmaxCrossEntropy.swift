/// Cross-entropy between softmax(logits) and targets, with its gradient.
enum SoftmaxCrossEntropy {
  /// What the probabilities of an item should be.
  enum Targets: Sendable {
    /// Probability 1 for one class per item.
    case answers([Int32])
    /// Row-major [items, classes], each row summing to 1.
    case probabilities([Float])
  }

  /// Room per item for `classes` logits, so that vectors of four never cross items.
  static func stride(classes: Int) -> Int { (classes + 3) & ~3 }

  /// The sum of cross-entropies over `rows` items. Replaces logits z [rows, stride(classes)] by their gradient times
  /// `scale`, which is (softmax(z) - target) · scale, and 0 in the unused columns. `firstItem` is the targets' row of z's
  /// first.
  static func residuals(
    _ z: UnsafeMutablePointer<Float>, rows: Int, classes: Int, targets: Targets, firstItem: Int = 0, scale: Float
  ) -> Double {
    switch targets {
    case .answers(let answers):
      return answers.withUnsafeBufferPointer { answers in
        let stride = stride(classes: classes)
        var loss = 0.0
        for row in 0..<rows {
          let logits = z + row * stride
          let answer = Int(answers[firstItem + row])
          loss -= Double(logits[answer])
          loss += softmax(logits, classes: classes, scale: scale)
          logits[answer] -= scale
        }
        return loss
      }
    case .probabilities(let probabilities):
      return probabilities.withUnsafeBufferPointer { probabilities in
        let stride = stride(classes: classes)
        var loss = 0.0
        for row in 0..<rows {
          let logits = z + row * stride
          let target = probabilities.baseAddress! + (firstItem + row) * classes
          loss -= Double(DenseProducts.dot(logits, target, classes))
          loss += softmax(logits, classes: classes, scale: scale)
          for label in 0..<classes { logits[label] -= scale * target[label] }
        }
        return loss
      }
    }
  }

  /// Replaces logits by softmax · scale and returns log Σ exp(logits).
  @inline(__always)
  private static func softmax(_ logits: UnsafeMutablePointer<Float>, classes: Int, scale: Float) -> Double {
    let padded = stride(classes: classes)
    for column in classes..<padded { logits[column] = -.greatestFiniteMagnitude }
    var top = DenseProducts.load(logits)
    var column = 4
    while column < padded {
      top = pointwiseMax(top, DenseProducts.load(logits + column))
      column += 4
    }
    let largest = top.max()
    var sums = SIMD4<Float>.zero
    column = 0
    while column < padded {
      let value = Elementary.exp(DenseProducts.load(logits + column) - largest)
      DenseProducts.store(value, at: logits + column)
      sums += value
      column += 4
    }
    // Clamping in `exp` leaves 1e-38 in unused columns, too little to change a sum that is at least 1.
    let sum = sums.sum()
    let factor = scale / sum
    column = 0
    while column < padded {
      DenseProducts.store(DenseProducts.load(logits + column) * factor, at: logits + column)
      column += 4
    }
    for column in classes..<padded { logits[column] = 0 }
    return Double(largest) + Elementary.log(Double(sum))
  }
}
