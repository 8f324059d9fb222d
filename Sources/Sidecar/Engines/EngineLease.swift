import Serving
import Synchronization

/// One user's hold on a shared engine: as long as it lasts, the version is loaded, and its weights are on the device
/// unless this user has let go of them.
final class EngineLease: PagedServable {
  let shared: SharedEngine
  private let onEnd: @Sendable () -> Void

  private struct State: Sendable {
    var holdsWeights = true
    var hasEnded = false
  }
  /// Guards what this user has. Held while weights are copied; see ``SharedEngine``.
  private let state = Mutex(State())

  /// - Parameters:
  ///   - shared: whose weights are held for this user.
  ///   - onEnd: called once.
  init(_ shared: SharedEngine, onEnd: @escaping @Sendable () -> Void) {
    self.shared = shared
    self.onEnd = onEnd
  }

  deinit { end() }

  var signature: Signature { shared.signature }
  func submit(_ batch: Batch, to receiver: any AnswerReceiver) { shared.submit(batch, to: receiver) }

  var weightByteCount: Int { shared.engine.weightByteCount }

  func prepare(_ batch: Batch) throws(ServingError) {
    try loadWeights()
    try shared.prepare(batch)
  }

  func loadWeights() throws(ServingError) {
    try state.withLock { (state) throws(ServingError) in
      guard !state.holdsWeights, !state.hasEnded else { return }
      try shared.holdWeights()
      state.holdsWeights = true
    }
  }

  func releaseWeights() throws(ServingError) {
    try state.withLock { (state) throws(ServingError) in
      guard state.holdsWeights else { return }
      state.holdsWeights = false
      try shared.letGoOfWeights()
    }
  }

  /// Blocks when this was the last user, until the engine's state is saved.
  func end() {
    let (isFirst, held) = state.withLock { state in
      defer { (state.hasEnded, state.holdsWeights) = (true, false) }
      return (!state.hasEnded, state.holdsWeights)
    }
    guard isFirst else { return }
    if held { try? shared.letGoOfWeights() }
    onEnd()
  }
}
