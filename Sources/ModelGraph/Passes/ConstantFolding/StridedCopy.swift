/// Moves elements between strided windows of two buffers, by width, whatever their type.
struct StridedCopy {
  let shape: Shape
  /// In elements; 0 repeats, negative runs backwards.
  let sourceStrides: [Int]
  var sourceOffset = 0
  let targetStrides: [Int]
  var targetOffset = 0

  /// - Precondition: both windows lie in their buffers.
  func run(from source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, width: Int) {
    guard !shape.contains(0) else { return }
    switch width {
    case 1: run(source, target, UInt8.self)
    case 2: run(source, target, UInt16.self)
    case 4: run(source, target, UInt32.self)
    default: run(source, target, UInt64.self)
    }
  }

  @inline(__always)
  private func run<E: FixedWidthInteger & BitwiseCopyable>(
    _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer, _: E.Type
  ) {
    let width = MemoryLayout<E>.size
    let count = shape.last ?? 1
    let (step, stride) = (sourceStrides.last ?? 1, targetStrides.last ?? 1)
    forEachRow { from, to in
      if step == 1 && stride == 1 {
        UnsafeMutableRawBufferPointer(rebasing: target[(to * width)..<((to + count) * width)])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[(from * width)..<((from + count) * width)]))
        return
      }
      for index in 0..<count {
        let element = source.loadUnaligned(fromByteOffset: (from + index * step) * width, as: E.self)
        target.storeBytes(of: element, toByteOffset: (to + index * stride) * width, as: E.self)
      }
    }
  }

  /// Calls `body` with the offsets of the first element of every run along the last axis.
  @inline(__always)
  private func forEachRow(_ body: (_ source: Int, _ target: Int) -> Void) {
    let outer = max(0, shape.count - 1)
    var position = [Int](repeating: 0, count: outer)
    var (from, to) = (sourceOffset, targetOffset)
    while true {
      body(from, to)
      var axis = outer - 1
      while axis >= 0 {
        position[axis] += 1
        from += sourceStrides[axis]
        to += targetStrides[axis]
        if position[axis] < shape[axis] { break }
        from -= shape[axis] * sourceStrides[axis]
        to -= shape[axis] * targetStrides[axis]
        position[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}

extension Tensor {
  /// A dense copy of a strided window on the elements.
  func window(shape: Shape, strides: [Int], offset: Int = 0) -> Tensor {
    let copy = StridedCopy(
      shape: shape, sourceStrides: strides, sourceOffset: offset, targetStrides: shape.rowMajorStrides)
    let result = TensorStorage(byteCount: shape.elementCount * type.byteWidth) { target in
      storage.withUnsafeBytes { copy.run(from: $0, to: target, width: type.byteWidth) }
    }
    return Tensor(type: type, shape: shape, storage: result)
  }

  /// A copy repeated along axes so that it has `target`, to which its shape broadcasts.
  func broadcast(to target: Shape) -> Tensor {
    shape == target ? self : window(shape: target, strides: shape.broadcastStrides(to: target))
  }
}

extension Shape {
  /// Row-major strides of this shape read as `target`: 0 where it repeats.
  func broadcastStrides(to target: Shape) -> [Int] {
    let missing = target.count - count
    let own = rowMajorStrides
    return target.indices.map { $0 < missing || self[$0 - missing] == 1 ? 0 : own[$0 - missing] }
  }
}
