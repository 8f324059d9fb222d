import ModelGraph

/// Reads the class that was answered out of a classifier's outputs: the largest score of a row, the first of equals, or
/// the class itself where the model gives no scores.
enum AnswerReader {
  /// - Parameter outputs: of a batch, by name.
  /// - Returns: one class for each of `rows`, or nil when no output is an answer.
  static func answers(in outputs: [String: Tensor], rows: [Int], count: Int) -> [Int]? {
    let candidates = outputs.sorted { $0.key < $1.key }.map(\.value)
    if let scores = candidates.first(where: { isScores($0, count) }) {
      let classes = scores.shape[1]
      return scores.withFloats { floats in rows.map { largest(of: floats, at: $0 * classes, count: classes) } }
    }
    guard let classes = candidates.first(where: { $0.elementCount == count && !isReal($0.type) }) else { return nil }
    let values = classes.integers
    return rows.map { Int(values[$0]) }
  }

  static func largest(of values: UnsafeBufferPointer<Float>, at start: Int, count: Int) -> Int {
    var best = start
    for index in (start + 1)..<max(start + 1, start + count) where values[index] > values[best] { best = index }
    return best - start
  }

  private static func isScores(_ tensor: Tensor, _ count: Int) -> Bool {
    tensor.shape.count == 2 && tensor.shape[0] == count && tensor.shape[1] > 1 && isReal(tensor.type)
  }

  private static func isReal(_ type: DataType) -> Bool { [.float32, .float16, .float64].contains(type) }
}
