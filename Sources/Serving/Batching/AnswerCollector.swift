import EarlyExit
import ModelGraph
import Synchronization

/// Puts one request's answer together from what becomes final bit by bit, in whichever batches its items are, and tells
/// the caller once: when all *its* items are final, or at the first error. Thread-safe.
final class AnswerCollector: Sendable {
  typealias Completion = @Sendable (Result<InferenceAnswer, ServingError>) -> Void

  private let count: Int
  private let wanted: Set<String>?
  private let completion: Completion

  private struct State: ~Copyable {
    var buffers: [String: RowBuffer] = [:]
    var exits: [ExitPosition]
    var missing: Int
    var isDone = false
  }

  /// Guards what has come in so far.
  private let state: Mutex<State>

  init(count: Int, wanted: Set<String>?, completion: @escaping Completion) {
    self.count = count
    self.wanted = wanted
    self.completion = completion
    state = Mutex(State(exits: [ExitPosition](repeating: .final, count: count), missing: count))
  }

  var isDone: Bool { state.withLock { $0.isDone } }

  /// Takes rows of a batch's outputs.
  ///
  /// - Parameters:
  ///   - rows: pairs of an item of the batch and the item of the request that it is.
  ///   - batchCount: how many items the batch has.
  func receive(_ answers: Answers, rows: [(batch: Int, own: Int)], batchCount: Int) {
    let outcome: Result<InferenceAnswer, ServingError>? = state.withLock { state in
      if state.isDone { return nil }
      // The usual case of a request that is its batch: nothing is copied.
      if rows.count == count, batchCount == count, state.missing == count {
        state.isDone = true
        let outputs = answers.outputs.filter { wanted?.contains($0.key) ?? true }
        return .success(InferenceAnswer(outputs: outputs, exits: state.exits.map { _ in answers.exit }))
      }
      do throws(ServingError) {
        try copy(answers, rows: rows, batchCount: batchCount, to: &state)
      } catch {
        state.isDone = true
        return .failure(error)
      }
      state.missing -= rows.count
      if state.missing > 0 { return nil }
      state.isDone = true
      return .success(
        InferenceAnswer(outputs: state.buffers.mapValues { $0.tensor }, exits: state.exits))
    }
    if let outcome { completion(outcome) }
  }

  func fail(_ error: ServingError) {
    let isFirst = state.withLock { state in
      defer { state.isDone = true }
      return !state.isDone
    }
    if isFirst { completion(.failure(error)) }
  }

  private func copy(
    _ answers: Answers, rows: [(batch: Int, own: Int)], batchCount: Int, to state: inout State
  ) throws(ServingError) {
    for (name, tensor) in answers.outputs where wanted?.contains(name) ?? true {
      guard tensor.shape.first == batchCount else {
        throw .outputNotBatched(output: name, expected: batchCount, got: tensor.shape)
      }
      let buffer = state.buffers[name] ?? RowBuffer(like: tensor, count: count)
      guard buffer.accepts(tensor) else {
        throw .outputNotBatched(output: name, expected: count, got: tensor.shape)
      }
      state.buffers[name] = buffer
      for row in rows { buffer.write(row.own, from: tensor, row: row.batch) }
    }
    for row in rows { state.exits[row.own] = answers.exit }
  }
}

/// The rows of one output that are there so far. Written under the collector's lock, read when all are there.
private final class RowBuffer: @unchecked Sendable {
  private let type: DataType
  private let shape: [Int]
  private let memory: UnsafeMutableRawBufferPointer

  init(like tensor: Tensor, count: Int) {
    type = tensor.type
    shape = [count] + tensor.shape.dropFirst()
    memory = .allocate(byteCount: max(1, shape.elementCount * type.byteWidth), alignment: 64)
  }

  deinit { memory.deallocate() }

  /// Items of one request in two batches must give rows of one size.
  func accepts(_ tensor: Tensor) -> Bool { tensor.type == type && tensor.shape.dropFirst() == shape.dropFirst() }

  func write(_ row: Int, from tensor: Tensor, row source: Int) {
    let width = shape.dropFirst().reduce(type.byteWidth, *)
    guard width > 0 else { return }
    tensor.storage.withUnsafeBytes { bytes in
      UnsafeMutableRawBufferPointer(rebasing: memory[(row * width)..<((row + 1) * width)]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: bytes[(source * width)..<((source + 1) * width)]))
    }
  }

  var tensor: Tensor {
    let bytes = UnsafeRawBufferPointer(
      rebasing: UnsafeRawBufferPointer(memory)[..<(shape.elementCount * type.byteWidth)])
    return Tensor(type: type, shape: shape, storage: TensorStorage(borrowing: bytes, from: self))
  }
}
