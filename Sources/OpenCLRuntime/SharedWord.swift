import COpenCL
import Foundation

/// A word in memory that the device, a processor of this machine, counts up while the host watches it.
public struct SharedWord: @unchecked Sendable {
  // Only read, with acquire semantics; whoever makes it keeps the memory alive.
  private let address: UnsafeRawPointer

  /// - Parameter address: of an aligned `uint` that outlives this value.
  public init(at address: UnsafeRawPointer) { self.address = address }

  public var value: UInt32 { shim_load_acquire(address) }

  /// How to wait for a word.
  public enum Patience: Sendable {
    /// Watch it all the time for at most this long: only with a core to spare.
    case spinning(Duration)
    /// Look every now and then, for at most this long.
    case polling(Duration)
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
    case .polling(let limit):
      while !isReached() {
        if clock.now - start > limit { return isReached() }
        usleep(20)
      }
    }
    return true
  }
}
