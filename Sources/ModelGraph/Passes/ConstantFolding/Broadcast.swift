/// Element-wise computation of two operands that broadcast to `shape`.
struct Broadcast {
  let shape: Shape
  let leftStrides: [Int]
  let rightStrides: [Int]

  /// - Precondition: both shapes broadcast to `shape`.
  init(_ left: Shape, _ right: Shape, to shape: Shape) {
    self.shape = shape
    leftStrides = left.broadcastStrides(to: shape)
    rightStrides = right.broadcastStrides(to: shape)
  }

  @inline(__always)
  func map<Element, Result>(
    _ left: [Element], _ right: [Element], _ operation: (Element, Element) -> Result
  ) -> [Result] {
    let count = shape.elementCount
    guard count > 0 else { return [] }
    let row = shape.last ?? 1
    let (leftStep, rightStep) = (leftStrides.last ?? 0, rightStrides.last ?? 0)
    return [Result](unsafeUninitializedCapacity: count) { results, initialized in
      left.withUnsafeBufferPointer { left in
        right.withUnsafeBufferPointer { right in
          var position = [Int](repeating: 0, count: max(0, shape.count - 1))
          var (x, y) = (0, 0)
          for start in stride(from: 0, to: count, by: row) {
            for index in 0..<row {
              results.initializeElement(
                at: start + index, to: operation(left[x + index * leftStep], right[y + index * rightStep]))
            }
            advance(&position, &x, &y)
          }
        }
      }
      initialized = count
    }
  }

  /// Moves both offsets to the next row.
  private func advance(_ position: inout [Int], _ x: inout Int, _ y: inout Int) {
    for axis in position.indices.reversed() {
      position[axis] += 1
      x += leftStrides[axis]
      y += rightStrides[axis]
      if position[axis] < shape[axis] { return }
      x -= shape[axis] * leftStrides[axis]
      y -= shape[axis] * rightStrides[axis]
      position[axis] = 0
    }
  }
}
