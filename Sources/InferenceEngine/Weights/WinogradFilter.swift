import Dispatch
import ModelGraph

/// Filters of 3×3 convolutions transformed for F(4×4, 3×3): U = G·g·Gᵀ, in double precision, then packed.
enum WinogradFilter {
  static let points = 36

  private static let g: [[Double]] = [
    [1.0 / 4, 0, 0],
    [-1.0 / 6, -1.0 / 6, -1.0 / 6],
    [-1.0 / 6, 1.0 / 6, -1.0 / 6],
    [1.0 / 24, 1.0 / 12, 1.0 / 6],
    [1.0 / 24, -1.0 / 12, 1.0 / 6],
    [0, 0, 1],
  ]

  /// - Parameters:
  ///   - weights: `[outputs][inputs][3][3]`.
  ///   - packed: `[36][ceil(outputs / block)][inputs][block]`.
  static func pack(
    _ weights: UnsafeBufferPointer<Float>, into packed: UnsafeMutableBufferPointer<Float>, inputs: Int, outputs: Int,
    block: Int
  ) {
    let blocks = outputs.dividedRoundingUp(by: block)
    let weights = Unchecked(value: weights)
    let packed = Unchecked(value: packed)
    let g = g.flatMap { $0 }
    DispatchQueue.concurrentPerform(iterations: blocks * block) { output in
      var half = [Double](repeating: 0, count: 18)
      for input in 0..<inputs {
        if output < outputs {
          let filter = (output * inputs + input) * 9
          for i in 0..<6 {
            for x in 0..<3 {
              var sum = 0.0
              for y in 0..<3 { sum += g[i * 3 + y] * Double(weights.value[filter + y * 3 + x]) }
              half[i * 3 + x] = sum
            }
          }
        }
        for i in 0..<6 {
          for j in 0..<6 {
            var sum = 0.0
            if output < outputs { for x in 0..<3 { sum += half[i * 3 + x] * g[j * 3 + x] } }
            let place = (((i * 6 + j) * blocks + output / block) * inputs + input) * block + output % block
            packed.value[place] = Float(sum)
          }
        }
      }
    }
  }
}
