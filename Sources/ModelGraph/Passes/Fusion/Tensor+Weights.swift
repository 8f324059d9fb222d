extension Tensor {
  /// A weight or bias of type `type`: float32 or float16.
  init(_ numbers: [Double], as type: DataType) {
    self = Lanes.doubles(numbers).tensor(type: type, shape: [numbers.count])
  }

  /// Every element multiplied by the factor of its index along `axis`, in double precision and rounded once; `nil` when
  /// one does not fit the type.
  ///
  /// - Precondition: float32 or float16, and one factor per index.
  func scaled(by factors: [Double], along axis: Int) -> Tensor? {
    precondition(factors.count == shape[axis], "\(factors.count) factors for axis \(axis) of \(shape)")
    let inner = shape[(axis + 1)...].reduce(1, *)
    return mapped { source, target in
      var isFinite = true
      var index = 0
      for _ in 0..<shape[..<axis].reduce(1, *) {
        for factor in factors {
          for _ in 0..<inner {
            let product = Float(Double(source[index]) * factor)
            isFinite = isFinite && product.isFinite
            target[index] = product
            index += 1
          }
        }
      }
      return isFinite
    }
  }

  /// A new tensor of the same type from the elements as single-precision numbers; `nil` when `fill` says so or the
  /// result does not fit half precision.
  private func mapped(
    to newShape: Shape? = nil, fill: (UnsafeBufferPointer<Float>, UnsafeMutableBufferPointer<Float>) -> Bool
  ) -> Tensor? {
    var fits = true
    let storage = TensorStorage(byteCount: elementCount * 4) { bytes in
      fits = withFloats { fill($0, bytes.bindMemory(to: Float.self)) }
    }
    let result = Tensor(type: .float32, shape: newShape ?? shape, storage: storage)
    guard fits, type == .float16 else { return fits ? result : nil }
    let halves = result.floats.map(\.halfBits)
    guard !halves.contains(where: { $0 & 0x7C00 == 0x7C00 }) else { return nil }
    return Tensor(type: .float16, shape: result.shape, storage: TensorStorage(copying: halves))
  }
}
