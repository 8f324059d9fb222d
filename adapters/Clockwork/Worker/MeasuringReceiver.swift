import Foundation
import ModelGraph
import Serving
import Synchronization

/// Waits for a batch that is run only to see how long it takes and what comes out.
final class MeasuringReceiver: AnswerReceiver {
  /// Guards what has come.
  private let state = Mutex<(outputs: [String: Tensor], outcome: Result<BatchTiming, ServingError>?)>(([:], nil))
  private let ended = DispatchSemaphore(value: 0)

  func receive(_ answers: Answers) { state.withLock { $0.outputs = answers.outputs } }

  func finish(_ outcome: Result<BatchTiming, ServingError>) {
    state.withLock { $0.outcome = outcome }
    ended.signal()
  }

  /// Waits for the end.
  func result(within time: DispatchTimeInterval) throws(ServingError) -> (
    timing: BatchTiming, outputs: [String: Tensor]
  ) {
    guard ended.wait(timeout: .now() + time) == .success else {
      throw .deviceFailed(reason: "a batch did not end in time")
    }
    ended.signal()  // for whoever waits as well
    let (outputs, outcome) = state.withLock { $0 }
    guard let outcome else { throw .deviceFailed(reason: "a batch ended without an outcome") }
    return (try outcome.get(), outputs)
  }
}
