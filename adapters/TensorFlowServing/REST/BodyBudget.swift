import Synchronization

/// Bytes of bodies that the server holds. Thread-safe.
final class BodyBudget: Sendable {
  private let limit: Int
  private let held = Atomic(0)

  init(limit: Int) { self.limit = limit }

  var bytesHeld: Int { held.load(ordering: .relaxed) }

  /// - Returns: whether there was room; only then are the bytes counted.
  func take(_ count: Int) -> Bool {
    guard held.wrappingAdd(count, ordering: .relaxed).newValue > limit else { return true }
    give(back: count)
    return false
  }

  func give(back count: Int) { held.wrappingSubtract(count, ordering: .relaxed) }
}
