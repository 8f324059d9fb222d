/// A servable as requests hold it: when the last of them and the repository have let go, the repository is told.
///
/// The count of requests is Swift's own reference count, so that taking and returning one costs an atomic addition, and
/// nobody can forget to return.
final class HeldServable: Servable {
  fileprivate let servable: any Servable
  /// Takes the servable along, so that it is torn down where that may take time, and not on the thread of whichever
  /// request was the last.
  private let onRelease: @Sendable (any Servable) -> Void

  /// One that can page its weights when `servable` can.
  static func holding(
    _ servable: any Servable, onRelease: @escaping @Sendable (any Servable) -> Void
  ) -> any Servable {
    let held = HeldServable(servable, onRelease: onRelease)
    return servable is any PagedServable ? HeldPagedServable(held) : held
  }

  fileprivate init(_ servable: any Servable, onRelease: @escaping @Sendable (any Servable) -> Void) {
    self.servable = servable
    self.onRelease = onRelease
  }

  deinit { onRelease(servable) }

  var signature: Signature { servable.signature }

  func submit(_ batch: Batch, to receiver: any AnswerReceiver) {
    servable.submit(batch, to: HoldingReceiver(receiver, holding: self))
  }
}

private final class HeldPagedServable: PagedServable {
  private let held: HeldServable

  /// - Precondition: `held` holds one that can page.
  init(_ held: HeldServable) { self.held = held }

  // Not stored beside `held`: the reference that lets go last decides on which thread the servable is torn down.
  private var paged: any PagedServable { held.servable as! any PagedServable }

  var signature: Signature { held.signature }
  func submit(_ batch: Batch, to receiver: any AnswerReceiver) { held.submit(batch, to: receiver) }
  var weightByteCount: Int { paged.weightByteCount }
  func prepare(_ batch: Batch) throws(ServingError) { try paged.prepare(batch) }
  func loadWeights() throws(ServingError) { try paged.loadWeights() }
  func releaseWeights() throws(ServingError) { try paged.releaseWeights() }
}

/// Keeps the version in use until its batch has ended, even when the request itself has been given up.
private final class HoldingReceiver: AnswerReceiver {
  private let receiver: any AnswerReceiver
  private let held: HeldServable

  init(_ receiver: any AnswerReceiver, holding held: HeldServable) {
    self.receiver = receiver
    self.held = held
  }

  func receive(_ answers: Answers) { receiver.receive(answers) }
  func finish(_ outcome: Result<BatchTiming, ServingError>) { receiver.finish(outcome) }
}
