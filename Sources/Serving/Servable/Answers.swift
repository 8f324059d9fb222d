import EarlyExit
import ModelGraph

/// Answers that became final together.
public struct Answers: Sendable {
  /// The items that they are for, by position in the batch, ascending.
  public let items: [Int]
  /// Where they left the model.
  public let exit: ExitPosition
  /// By name, all outputs of the signature, each with a row for *every* item of the batch; only rows of ``items`` count.
  public let outputs: [String: Tensor]

  public init(items: [Int], exit: ExitPosition, outputs: [String: Tensor]) {
    self.items = items
    self.exit = exit
    self.outputs = outputs
  }
}

/// When a batch ran, on the monotonic clock.
public struct BatchTiming: Sendable {
  public let submitted: ContinuousClock.Instant
  /// The device was free and the batch went to it.
  public let started: ContinuousClock.Instant
  /// The final head's answers were there.
  public let ended: ContinuousClock.Instant

  public init(
    submitted: ContinuousClock.Instant, started: ContinuousClock.Instant, ended: ContinuousClock.Instant
  ) {
    self.submitted = submitted
    self.started = started
    self.ended = ended
  }
}

/// Who waits for a batch. Called from the servable's own thread: must neither block nor call the servable's `submit`
/// and wait for it.
public protocol AnswerReceiver: AnyObject, Sendable {
  /// Some items are answered; called at most once for each item.
  func receive(_ answers: Answers)
  /// The batch has ended, after all its answers, or because of an error: items not answered until then have none.
  func finish(_ outcome: Result<BatchTiming, ServingError>)
}
