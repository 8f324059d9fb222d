import Synchronization

/// A number that goes up and down. Any thread, without locks.
public final class Gauge: Sendable {
  private let bits = Atomic<UInt64>(0)

  init() {}

  public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

  public func add(_ amount: Double) { bits.add(amount) }

  public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

extension Atomic where Value == UInt64 {
  /// Adds to the double whose bits these are.
  func add(_ amount: Double) {
    var old = load(ordering: .relaxed)
    while true {
      let new = (Double(bitPattern: old) + amount).bitPattern
      let (exchanged, original) = weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
      if exchanged { return }
      old = original
    }
  }
}
