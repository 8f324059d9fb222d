import ModelGraph

/// Rows: parts of tensors along the first axis.
enum TensorRows {
  /// One tensor of all these rows, one part after the other, and copies of the last part's first row up to `count`.
  ///
  /// - Parameter padding: whether parts may differ in extents after the first: smaller ones get their own first element at
  ///   the end of each axis, as TensorFlow-Serving does it. Otherwise they must agree.
  /// - Precondition: there is a part, all have one type and rank, and none has a row that is not there.
  static func concatenated(
    _ parts: [(tensor: Tensor, rows: Range<Int>)], count: Int, padding: Bool = false
  ) -> Tensor {
    let first = parts[0].tensor
    if parts.count == 1, count == parts[0].rows.count, parts[0].rows == 0..<first.shape[0] { return first }
    let extents = padding ? largestExtents(parts.map(\.tensor)) : Array(first.shape.dropFirst())
    let width = extents.elementCount * first.type.byteWidth
    let storage = TensorStorage(byteCount: count * width) { memory in
      guard width > 0 else { return }
      var row = 0
      for part in parts {
        write(part.tensor, rows: part.rows, extents: extents, to: memory, at: row)
        row += part.rows.count
      }
      if row < count, let last = parts.last(where: { !$0.rows.isEmpty }) {
        let fill = last.rows.lowerBound..<last.rows.lowerBound + 1
        for row in row..<count { write(last.tensor, rows: fill, extents: extents, to: memory, at: row) }
      }
    }
    return Tensor(type: first.type, shape: [count] + extents, storage: storage)
  }

  private static func largestExtents(_ tensors: [Tensor]) -> [Int] {
    var extents = Array(tensors[0].shape.dropFirst())
    for tensor in tensors {
      for (axis, extent) in tensor.shape.dropFirst().enumerated() { extents[axis] = max(extents[axis], extent) }
    }
    return extents
  }

  private static func write(
    _ tensor: Tensor, rows: Range<Int>, extents: [Int], to memory: UnsafeMutableRawBufferPointer, at row: Int
  ) {
    let elementWidth = tensor.type.byteWidth
    let rowWidth = extents.elementCount * elementWidth
    let target = UnsafeMutableRawBufferPointer(
      rebasing: memory[(row * rowWidth)..<((row + rows.count) * rowWidth)])
    let own = Array(tensor.shape.dropFirst())
    tensor.storage.withUnsafeBytes { source in
      if own == extents {
        target.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[(rows.lowerBound * rowWidth)..<(rows.upperBound * rowWidth)]))
        return
      }
      guard source.count >= elementWidth else { return }
      let filler = UnsafeRawBufferPointer(rebasing: source[..<elementWidth])
      for element in 0..<(target.count / elementWidth) {
        UnsafeMutableRawBufferPointer(
          rebasing: target[(element * elementWidth)..<((element + 1) * elementWidth)]
        ).copyMemory(from: filler)
      }
      copy(
        source, shape: [rows.count] + own, sourceOffset: rows.lowerBound * own.elementCount,
        to: target, extents: [rows.count] + extents, elementWidth: elementWidth)
    }
  }

  /// Copies a smaller tensor into the beginning of each axis of a larger one, innermost run after run.
  private static func copy(
    _ source: UnsafeRawBufferPointer, shape: [Int], sourceOffset: Int, to target: UnsafeMutableRawBufferPointer,
    extents: [Int], elementWidth: Int
  ) {
    guard !shape.contains(0) else { return }
    let run = shape[shape.count - 1]
    let sourceStrides = shape.rowMajorStrides
    let targetStrides = extents.rowMajorStrides
    var index = [Int](repeating: 0, count: shape.count - 1)
    while true {
      let from = sourceOffset + zip(index, sourceStrides).reduce(0) { $0 + $1.0 * $1.1 }
      let to = zip(index, targetStrides).reduce(0) { $0 + $1.0 * $1.1 }
      UnsafeMutableRawBufferPointer(
        rebasing: target[(to * elementWidth)..<((to + run) * elementWidth)]
      ).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: source[(from * elementWidth)..<((from + run) * elementWidth)]))
      guard let axis = index.indices.last(where: { index[$0] + 1 < shape[$0] }) else { return }
      index[axis] += 1
      for inner in index.indices.suffix(from: axis + 1) { index[inner] = 0 }
    }
  }
}
