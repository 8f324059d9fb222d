import Synchronization

/// Whether a call still waits for its answer: shared by the handler's thread and the event loop. Thread-safe.
final class CallState: Sendable {
  private enum State {
    case open(onCancel: (@Sendable (Cancellation) -> Void)?)
    case answered
    case cancelled(Cancellation)
  }

  /// Guards the transition out of `open`, which happens once.
  private let state = Mutex(State.open(onCancel: nil))

  var isOpen: Bool { state.withLock { if case .open = $0 { true } else { false } } }

  var cancellation: Cancellation? { state.withLock { if case .cancelled(let why) = $0 { why } else { nil } } }

  /// - Returns: Whether this answer is the first, and nobody has cancelled.
  func answer() -> Bool {
    state.withLock {
      guard case .open = $0 else { return false }
      $0 = .answered
      return true
    }
  }

  func cancel(_ why: Cancellation) {
    let onCancel: (@Sendable (Cancellation) -> Void)? = state.withLock {
      guard case .open(let onCancel) = $0 else { return nil }
      $0 = .cancelled(why)
      return onCancel
    }
    onCancel?(why)
  }

  /// Calls `body` when the call is cancelled, at once if it already is. One listener: a later one replaces the former.
  func onCancel(_ body: @escaping @Sendable (Cancellation) -> Void) {
    let already: Cancellation? = state.withLock {
      switch $0 {
      case .open:
        $0 = .open(onCancel: body)
        return nil
      case .answered: return nil
      case .cancelled(let why): return why
      }
    }
    if let already { body(already) }
  }
}
