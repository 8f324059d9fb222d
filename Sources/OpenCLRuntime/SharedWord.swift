import COpenCL
import Foundation

/// A word in memory that the device, a processor of this machine, counts up while the host watches it.
public struct SharedWord: @unchecked Sendable {
  // Only read, with acquire semantics; whoever makes it keeps the memory alive.
  private let address: UnsafeRawPointer
  private let bell: UnsafeRawPointer?

  /// - Parameters:
  ///   - address: of an aligned `uint` that outlives this value.
  ///   - bell: of another one, which the device counts up, and wakes who sleeps on it, after the word has reached what
  ///     is waited for.
  public init(at address: UnsafeRawPointer, bell: UnsafeRawPointer? = nil) {
    self.address = address
    self.bell = bell
  }

  public var value: UInt32 { shim_load_acquire(address) }

  /// In nanoseconds.
  private static let longestSleep: Int = 20_000_000

  /// How to wait for a word.
  public enum Patience: Sendable {
    /// Watch it all the time for at most this long: only with a core to spare.
    case spinning(Duration)
    /// Watch it for at most this long while no other thread wants the core: where the device needs them all. A core that
    /// does not go to sleep meanwhile takes up the device's work at once.
    case yielding(Duration)
    /// Look every now and then, for at most this long.
    case polling(Duration)
    /// Sleep until the bell rings, for at most this long. Where no device can ring it, this is polling.
    case sleeping(Duration)
  }

  /// Whether the word has counted up to `target`, modulo 2³², before patience ended.
  public func reaches(_ target: UInt32, _ patience: Patience) -> Bool {
    func isReached() -> Bool { Int32(bitPattern: value &- target) >= 0 }
    let clock = ContinuousClock()
    let start = clock.now
    switch patience {
    case .spinning(let limit):
      while !isReached() {
        for _ in 0..<32 where !isReached() { shim_pause() }
        if clock.now - start > limit { return isReached() }
      }
    case .yielding(let limit):
      while !isReached() {
        sched_yield()
        if clock.now - start > limit { return isReached() }
      }
    case .polling(let limit):
      while !isReached() {
        if clock.now - start > limit { return isReached() }
        usleep(20)
      }
    case .sleeping(let limit):
      guard let bell else { return reaches(target, .polling(limit)) }
      while true {
        // What rings after this look at the bell ends the sleep at once.
        let rung = shim_load_acquire(bell)
        if isReached() { return true }
        if clock.now - start > limit { return false }
        // Bounded, in case that whoever rings cannot wake anyone.
        shim_sleep_on(bell, rung, Self.longestSleep)
      }
    }
    return true
  }
}
