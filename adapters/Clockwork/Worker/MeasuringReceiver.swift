import Foundation
import ModelGraph
import Serving
import Synchronization

/// Waits for a batch that is run only to see how long it takes and what comes out, and keeps others off the device meanwhile.
final class MeasuringReceiver: AnswerReceiver {
  /// Guards what has come.
  private let state = Mutex(State())
  private let executor: Executor
  private let ended = DispatchSemaphore(value: 0)

  private struct State {
    var outputs: [String: Tensor] = [:]
    var outcome: Result<BatchTiming, ServingError>?
    var hold: Executor.Hold?
  }

  /// - Parameter executor: whose job starts the batch.
  init(on executor: Executor) { self.executor = executor }

  /// Called by that job, before the batch can end.
  func hold(_ limit: Duration) {
    let hold = executor.hold(limit) {}
    state.withLock { $0.hold = hold }
  }

  func receive(_ answers: Answers) { state.withLock { $0.outputs = answers.outputs } }

  func finish(_ outcome: Result<BatchTiming, ServingError>) {
    let hold = state.withLock { state in
      state.outcome = outcome
      return state.hold
    }
    if let hold { executor.release(hold) }
    ended.signal()
  }

  /// Waits for the end.
  func result(within time: Duration) throws(ServingError) -> (
    timing: BatchTiming, outputs: [String: Tensor]
  ) {
    guard ended.wait(timeout: .now() + .nanoseconds(Int(Nanoseconds(time)))) == .success else {
      throw .deviceFailed(reason: "a batch did not end in time")
    }
    ended.signal()  // for whoever waits as well
    let (outputs, outcome) = state.withLock { ($0.outputs, $0.outcome) }
    guard let outcome else { throw .deviceFailed(reason: "a batch ended without an outcome") }
    return (try outcome.get(), outputs)
  }
}
