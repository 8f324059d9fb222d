import Synchronization
import Wire

/// An action that waits for its one result.
final class PendingAction: Sendable {
  let id: Int32
  let kind: ClockworkAction.Kind
  /// On our clock.
  let received: Nanoseconds
  private let delta: ClockDelta
  private let link: FrameLink
  private let isAnswered = Atomic(false)

  init(_ action: ClockworkAction, frame: IncomingFrame, link: FrameLink) {
    id = action.actionID
    kind = action.kind
    received = frame.received
    delta = frame.delta
    self.link = link
  }

  /// Whether there is nobody left to answer.
  var isAbandoned: Bool { !link.isOpen }

  /// A bound of the action's window on our clock.
  func ours(_ time: Nanoseconds) -> Nanoseconds { delta.ours(time) }

  /// A time of ours for a result.
  func theirs(_ time: Nanoseconds) -> Nanoseconds { delta.theirs(time) }

  func timing(begin: Nanoseconds, end: Nanoseconds, duration: Nanoseconds? = nil) -> ClockworkResult.Timing {
    ClockworkResult.Timing(
      begin: theirs(begin), end: theirs(max(begin, end)), duration: max(1, duration ?? (end > begin ? end - begin : 0)))
  }

  /// Sends the result, unless there has been one.
  ///
  /// - Parameter result: makes it, from the two times that all of them carry.
  /// - Returns: whether it was sent.
  @discardableResult
  func answer(
    body: [UInt8] = [], _ result: (_ received: Nanoseconds, _ sent: Nanoseconds) -> ClockworkResult
  ) -> Bool {
    guard !isAnswered.exchange(true, ordering: .acquiringAndReleasing) else { return false }
    send(result(theirs(received), theirs(link.clock.now())), body: body)
    return true
  }

  func fail(_ failure: ActionFailure) {
    answer { received, sent in
      .error(
        ClockworkResult.Failure(
          actionID: id, actionType: kind.rawValue, status: failure.status.rawValue, message: failure.message,
          actionReceived: received, resultSent: sent))
    }
  }

  /// Sends answers of some items ahead of the result.
  func answerItems(_ items: [Int], exit: String, body: [UInt8]) {
    guard !isAnswered.load(ordering: .acquiring) else { return }
    let now = theirs(link.clock.now())
    send(
      .inferItems(
        ClockworkResult.InferItems(
          actionID: id, items: items.map { UInt32($0) }, answered: now, resultSent: now, exit: exit)), body: body)
  }

  private func send(_ result: ClockworkResult, body: [UInt8]) {
    link.send(OutgoingFrame(type: result.frameType, header: result.serialized(), body: body))
  }
}
