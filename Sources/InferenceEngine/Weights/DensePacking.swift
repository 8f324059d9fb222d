import Dispatch
import ModelGraph

/// Rearranges weights for `dense.cl` and `winograd.cl`: blocks of columns, inside a block row after row of depth.
enum DensePacking {
  /// `[matrices][ceil(columns / block)][depth][block]`, zero past the last column.
  ///
  /// - Parameters:
  ///   - source: offset in the weights of (matrix, k, column).
  ///   - done: called with the offsets that a finished block has read when a column is one run of the weights, from any
  ///     thread: a large matrix in a mapped file can leave memory while it is packed.
  @inline(__always)
  static func pack(
    _ weights: UnsafeBufferPointer<Float>, into packed: UnsafeMutableBufferPointer<Float>, matrices: Int, depth: Int,
    columns: Int, block: Int, done: (@Sendable (Range<Int>) -> Void)? = nil,
    source: @Sendable (_ matrix: Int, _ k: Int, _ column: Int) -> Int
  ) {
    let blocks = columns.dividedRoundingUp(by: block)
    guard let weights = weights.baseAddress, let packed = packed.baseAddress else { return }
    let from = Unchecked(value: weights)
    let to = Unchecked(value: packed)
    DispatchQueue.concurrentPerform(iterations: matrices * blocks) { index in
      let matrix = index / blocks
      let first = index % blocks * block
      let valid = min(block, columns - first)
      var target = to.value + index * depth * block
      for k in 0..<depth {
        for column in 0..<valid { target[column] = from.value[source(matrix, k, first + column)] }
        for column in valid..<block { target[column] = 0 }
        target += block
      }
      if let done {
        let start = (matrix * columns + first) * depth
        done(start..<(start + valid * depth))
      }
    }
  }

  static func packedCount(matrices: Int = 1, depth: Int, columns: Int, block: Int) -> Int {
    matrices * columns.roundedUp(to: block) * depth
  }
}

/// Lets concurrent iterations write disjoint parts of one buffer.
struct Unchecked<Value>: @unchecked Sendable { let value: Value }
