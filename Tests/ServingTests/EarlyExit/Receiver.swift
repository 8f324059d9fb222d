import Dispatch
import EarlyExit
import ModelGraph
import Serving
import Synchronization

/// Keeps what a batch is told.
final class Receiver: AnswerReceiver {
  struct State {
    var answers: [Answers] = []
    var outcome: Result<BatchTiming, ServingError>?
  }

  private let state = Mutex(State())
  private let hasFinished = DispatchSemaphore(value: 0)
  /// Called for each answer, on the engine's thread.
  private let onAnswer: (@Sendable () -> Void)?

  init(onAnswer: (@Sendable () -> Void)? = nil) { self.onAnswer = onAnswer }

  func receive(_ answers: Answers) {
    state.withLock { $0.answers.append(answers) }
    onAnswer?()
  }

  func finish(_ outcome: Result<BatchTiming, ServingError>) {
    state.withLock { $0.outcome = outcome }
    hasFinished.signal()
  }

  struct TookTooLong: Error {}

  /// What was told until the batch ended.
  func wait() throws -> [Answers] {
    guard hasFinished.wait(timeout: .now() + 120) == .success else { throw TookTooLong() }
    hasFinished.signal()
    return try state.withLock { state in
      _ = try state.outcome?.get()
      return state.answers
    }
  }

  /// By item: where it left and its row of an output.
  func answers(of output: String) throws -> [Int: (exit: ExitPosition, row: [UInt8])] {
    var result: [Int: (exit: ExitPosition, row: [UInt8])] = [:]
    for answers in try wait() {
      for item in answers.items {
        result[item] = (answers.exit, answers.outputs[output]?.items(item..<item + 1).bytes ?? [])
      }
    }
    return result
  }
}

extension EarlyExitEngine {
  func run(_ batch: Batch) throws -> Receiver {
    let receiver = Receiver()
    submit(batch, to: receiver)
    _ = try receiver.wait()
    return receiver
  }
}
