/// The recent steps s and gradient changes y of L-BFGS, in one ring each; no allocation after creation.
struct CorrectionPairs {
  private let capacity: Int
  private let count: Int
  private var steps: [Float]
  private var changes: [Float]
  /// 1 / (s · y) per slot.
  private var inverseProducts: [Double]
  private var coefficients: [Double]
  private var used = 0
  private var next = 0
  /// (s · y) / (y · y) of the newest pair: the scale of the initial inverse Hessian.
  private var scale = 1.0

  init(capacity: Int, count: Int) {
    self.capacity = capacity
    self.count = count
    steps = [Float](repeating: 0, count: capacity * count)
    changes = steps
    inverseProducts = [Double](repeating: 0, count: capacity)
    coefficients = inverseProducts
  }

  var isEmpty: Bool { used == 0 }

  mutating func removeAll() { used = 0 }

  /// Records s = step · direction and y = to - from, unless rounding has made their product useless.
  mutating func append(step: Float, direction: [Float], from: [Float], to: [Float]) {
    let slot = next * count
    for index in 0..<count {
      steps[slot + index] = step * direction[index]
      changes[slot + index] = to[index] - from[index]
    }
    let (product, square) = steps.withUnsafeBufferPointer { steps in
      changes.withUnsafeBufferPointer { changes in
        let s = steps.baseAddress! + slot
        let y = changes.baseAddress! + slot
        return (Vector.dot(s, y, count), Vector.dot(y, y, count))
      }
    }
    guard product > 1e-10 * square, square > 0 else { return }
    inverseProducts[next] = 1 / product
    scale = product / square
    next = (next + 1) % capacity
    used = min(used + 1, capacity)
  }

  /// The two-loop recursion: replaces v by an estimate of H⁻¹ · v.
  mutating func applyInverseHessian(to vector: inout [Float]) {
    guard used > 0 else { return }
    steps.withUnsafeBufferPointer { steps in
      changes.withUnsafeBufferPointer { changes in
        for age in 0..<used {
          let slot = (next - 1 - age + 2 * capacity) % capacity
          let product = Vector.dot(steps.baseAddress! + slot * count, vector, count)
          coefficients[slot] = product * inverseProducts[slot]
          Vector.add(Float(-coefficients[slot]), changes.baseAddress! + slot * count, count, to: &vector)
        }
        let factor = Float(scale)
        for index in 0..<count { vector[index] *= factor }
        for age in (0..<used).reversed() {
          let slot = (next - 1 - age + 2 * capacity) % capacity
          let product = Vector.dot(changes.baseAddress! + slot * count, vector, count)
          let coefficient = coefficients[slot] - product * inverseProducts[slot]
          Vector.add(Float(coefficient), steps.baseAddress! + slot * count, count, to: &vector)
        }
      }
    }
  }
}
