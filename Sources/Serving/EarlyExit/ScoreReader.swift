import EarlyExit
import Foundation

/// Reads rows of scores: how sure they are and of what. Allocates nothing after `init`.
struct ScoreReader: ~Copyable {
  private let errorScore: ErrorScore
  private let probabilities: UnsafeMutableBufferPointer<Float>

  init(_ errorScore: ErrorScore, classes: Int) {
    self.errorScore = errorScore
    probabilities = .allocate(capacity: max(1, classes))
    probabilities.initialize(repeating: 0)
  }

  deinit { probabilities.deallocate() }

  /// The error score of a row of scores, through softmax, and the position of its largest element, the first of equals.
  ///
  /// A row with anything that is not a number scores infinity.
  borrowing func read(_ row: UnsafeBufferPointer<Float>) -> (error: Float, label: Int) {
    let label = Self.label(of: row)
    guard row.count <= probabilities.count, !row.isEmpty else { return (.infinity, label) }
    let top = row[label]
    var sum: Float = 0
    for index in 0..<row.count {
      let value = exp(row[index] - top)
      probabilities[index] = value
      sum += value
    }
    let scale = 1 / sum
    for index in 0..<row.count { probabilities[index] *= scale }
    let error = errorScore.score(of: UnsafeBufferPointer(rebasing: probabilities[..<row.count]))
    return (error.isNaN ? .infinity : error, label)
  }

  /// The position of the largest element, the first of equals.
  static func label(of row: UnsafeBufferPointer<Float>) -> Int {
    var label = 0
    for index in 0..<row.count where row[index] > row[label] { label = index }
    return label
  }
}
