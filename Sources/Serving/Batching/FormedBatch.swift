import ModelGraph
import Synchronization

/// A batch on its way through a servable, and whose its items are.
final class FormedBatch: AnswerReceiver {
  /// Items of a request in this batch.
  struct Part: Sendable {
    let collector: AnswerCollector
    /// Which of the request's items.
    let items: Range<Int>
  }

  private let parts: [Part]
  /// Guards how many items of each part have no answer yet.
  private let missing: Mutex<[Int]>
  private let count: Int
  private let onFinish: @Sendable (Result<BatchTiming, ServingError>) -> Void

  /// - Parameters:
  ///   - parts: in the order of their items in the batch.
  ///   - count: items of the batch, fill included.
  init(
    parts: [Part], count: Int, onFinish: @escaping @Sendable (Result<BatchTiming, ServingError>) -> Void = { _ in }
  ) {
    self.parts = parts
    missing = Mutex(parts.map(\.items.count))
    self.count = count
    self.onFinish = onFinish
  }

  func receive(_ answers: Answers) {
    var next = answers.items.startIndex
    var start = 0
    for (index, part) in parts.enumerated() {
      let end = start + part.items.count
      var rows: [(batch: Int, own: Int)] = []
      while next < answers.items.endIndex, answers.items[next] < end {
        rows.append((answers.items[next], part.items.lowerBound + answers.items[next] - start))
        next += 1
      }
      if !rows.isEmpty {
        missing.withLock { $0[index] -= rows.count }
        part.collector.receive(answers, rows: rows, batchCount: count)
      }
      start = end
    }
  }

  func finish(_ outcome: Result<BatchTiming, ServingError>) {
    let error: ServingError =
      switch outcome {
      case .success: .deviceFailed(reason: "the batch ended without an answer")
      case .failure(let error): error
      }
    // A part that is answered stays so, whatever happened to the rest; its request may wait for another batch.
    for (part, missing) in zip(parts, missing.withLock { $0 }) where missing > 0 { part.collector.fail(error) }
    onFinish(outcome)
  }
}
