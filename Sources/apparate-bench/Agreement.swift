import Datasets

/// How far two engines' answers to the same inputs are apart.
struct Agreement: Codable, Sendable {
  /// max |a − b| over all elements of all outputs; infinite where one is not a number.
  var largestDifference: Float
  /// max |b|: what the difference is to be held against.
  var largestValue: Float
  /// The share of rows (all axes but the last) whose largest element is at the same place; nil where rows have one.
  var top1: Double?

  /// - Throws: `BenchError.noCommonOutput`, `.differentShapes`, or what is wrong with a file.
  init(of subject: [String: String], with peer: [String: String]) throws {
    largestDifference = 0
    largestValue = 0
    var rows = 0
    var same = 0
    let common = subject.keys.filter { peer[$0] != nil }.sorted()
    guard !common.isEmpty else {
      throw BenchError.noCommonOutput(subject: Array(subject.keys), peer: Array(peer.keys))
    }
    for name in common {
      guard let ours = subject[name], let theirs = peer[name] else { continue }
      let a = try NumPyFile.read(at: ours)
      let b = try NumPyFile.read(at: theirs)
      guard a.shape == b.shape else {
        throw BenchError.differentShapes(output: name, subject: a.shape, peer: b.shape)
      }
      let (x, y) = (a.floats, b.floats)
      for (x, y) in zip(x, y) {
        let difference = abs(x - y)
        largestDifference = max(largestDifference, difference.isNaN ? .infinity : difference)
        largestValue = max(largestValue, y.isNaN ? .infinity : abs(y))
      }
      guard let width = a.shape.last, width > 1 else { continue }
      for start in stride(from: 0, to: x.count, by: width) {
        let row = start..<(start + width)
        rows += 1
        same += row.max { x[$0] < x[$1] } == row.max { y[$0] < y[$1] } ? 1 : 0
      }
    }
    top1 = rows == 0 ? nil : Double(same) / Double(rows)
  }
}
