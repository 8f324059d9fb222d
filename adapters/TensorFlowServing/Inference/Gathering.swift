import Synchronization

/// Waits for several results and hands them on together, in order; or the error of the first, in order, that failed.
final class Gathering<Value: Sendable>: Sendable {
  private struct State {
    var results: [Result<Value, TensorFlowStatus>?]
    var missing: Int
  }

  /// Guards what has come in.
  private let state: Mutex<State>
  private let completion: @Sendable (Result<[Value], TensorFlowStatus>) -> Void

  /// - Parameter count: at least 1.
  init(count: Int, completion: @escaping @Sendable (Result<[Value], TensorFlowStatus>) -> Void) {
    state = Mutex(State(results: Array(repeating: nil, count: count), missing: count))
    self.completion = completion
  }

  func receive(_ result: Result<Value, TensorFlowStatus>, at index: Int) {
    let all: [Result<Value, TensorFlowStatus>?]? = state.withLock { state in
      if state.results[index] == nil { state.missing -= 1 }
      state.results[index] = result
      return state.missing == 0 ? state.results : nil
    }
    guard let all else { return }
    var values: [Value] = []
    for result in all {
      switch result {
      case .success(let value)?: values.append(value)
      case .failure(let error)?: return completion(.failure(error))
      case nil: return
      }
    }
    completion(.success(values))
  }
}
