import Synchronization

/// Counts the bytes of messages that a server holds for calls, so that many large messages at once are refused rather
/// than let the process run out of memory. Thread-safe.
final class MemoryBudget: Sendable {
  let limit: Int
  private let held = Atomic<Int>(0)

  init(limit: Int) { self.limit = limit }

  var bytesHeld: Int { held.load(ordering: .relaxed) }

  /// - Returns: Whether there was room; only then are the bytes counted.
  func take(_ count: Int) -> Bool {
    guard held.wrappingAdd(count, ordering: .relaxed).newValue > limit else { return true }
    give(back: count)
    return false
  }

  func give(back count: Int) {
    guard count > 0 else { return }
    held.wrappingSubtract(count, ordering: .relaxed)
  }
}
