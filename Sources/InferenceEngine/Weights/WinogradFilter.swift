import Dispatch
import ModelGraph

/// Filters of 3×3 convolutions transformed for F(m×m, 3×3): U = G·g·Gᵀ, in double precision, then packed.
struct WinogradFilter: Sendable {
  /// Outputs of a tile along one dimension: 2 or 4.
  let step: Int

  var side: Int { step + 2 }
  var points: Int { side * side }

  /// The matrix G, row-major with three columns.
  private var g: [Double] { step == 2 ? Self.smallG : Self.largeG }

  private static let smallG: [Double] = [1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0, 0, 1]
  private static let largeG: [Double] = {
    let (sixth, twelfth, twentyFourth) = (1.0 / 6, 1.0 / 12, 1.0 / 24)
    let rows: [[Double]] = [
      [0.25, 0, 0], [-sixth, -sixth, -sixth], [-sixth, sixth, -sixth], [twentyFourth, twelfth, sixth],
      [twentyFourth, -twelfth, sixth], [0, 0, 1],
    ]
    return rows.flatMap { $0 }
  }()

  /// G, by rows.
  var filterTransform: [[Double]] { (0..<side).map { Array(g[($0 * 3)..<($0 * 3 + 3)]) } }

  /// - Parameters:
  ///   - weights: `[outputs][inputs][3][3]`.
  ///   - packed: `[points][ceil(outputs / block)][inputs][block]`.
  func pack(
    _ weights: UnsafeBufferPointer<Float>, into packed: UnsafeMutableBufferPointer<Float>, inputs: Int, outputs: Int,
    block: Int
  ) {
    let blocks = outputs.dividedRoundingUp(by: block)
    let (side, g) = (side, g)
    guard let weights = weights.baseAddress, let packed = packed.baseAddress else { return }
    let source = Unchecked(value: weights)
    let target = Unchecked(value: packed)
    // One task per block of outputs and run of inputs: rows of `block` floats are written whole.
    let run = 16
    let runs = inputs.dividedRoundingUp(by: run)
    DispatchQueue.concurrentPerform(iterations: blocks * runs) { task in
      let (first, inputStart) = (task / runs * block, task % runs * run)
      let valid = min(block, outputs - first)
      withUnsafeTemporaryAllocation(of: Double.self, capacity: side * 3) { half in
        g.withUnsafeBufferPointer { g in
          for input in inputStart..<min(inputs, inputStart + run) {
            for column in 0..<block {
              let filter = source.value + ((first + min(column, valid - 1)) * inputs + input) * 9
              let keep: Double = column < valid ? 1 : 0
              for i in 0..<side {
                for x in 0..<3 {
                  half[i * 3 + x] =
                    (g[i * 3] * Double(filter[x]) + g[i * 3 + 1] * Double(filter[3 + x])
                      + g[i * 3 + 2] * Double(filter[6 + x])) * keep
                }
              }
              for i in 0..<side {
                for j in 0..<side {
                  let value = half[i * 3] * g[j * 3] + half[i * 3 + 1] * g[j * 3 + 1] + half[i * 3 + 2] * g[j * 3 + 2]
                  let row = ((i * side + j) * blocks + task / runs) * inputs + input
                  target.value[row * block + column] = Float(value)
                }
              }
            }
          }
        }
      }
    }
  }
}
