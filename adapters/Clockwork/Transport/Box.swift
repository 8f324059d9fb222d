import Foundation
import Synchronization

/// A place for one value that one thread waits for and another brings.
final class Box<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let isFull = DispatchSemaphore(value: 0)

  /// Only the first value counts.
  func put(_ value: Value) {
    let isFirst = self.value.withLock { place -> Bool in
      guard place == nil else { return false }
      place = value
      return true
    }
    if isFirst { isFull.signal() }
  }

  /// Waits for the value; `nil` when none comes in time. To be called once.
  func wait(_ seconds: Double) -> Value? {
    guard isFull.wait(timeout: .now() + seconds) == .success else { return nil }
    return value.withLock { $0 }
  }
}
