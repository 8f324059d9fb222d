import Synchronization

/// How often values fell where. Any thread, without locks; a reader may see a value counted and not yet added to the sum.
public final class Histogram: @unchecked Sendable {
  public let buckets: Buckets
  // Safe to share: the pointer never changes, and what it points to is atomic.
  private let counts: UnsafeMutablePointer<Atomic<UInt64>>
  private let sumBits = Atomic<UInt64>(0)

  init(buckets: Buckets) {
    self.buckets = buckets
    counts = .allocate(capacity: buckets.limits.count + 1)
    for index in 0...buckets.limits.count { (counts + index).initialize(to: Atomic(0)) }
  }

  deinit {
    counts.deinitialize(count: buckets.limits.count + 1)
    counts.deallocate()
  }

  /// A value that is not a number is left out.
  public func record(_ value: Double) {
    guard !value.isNaN else { return }
    counts[buckets.index(of: value)].wrappingAdd(1, ordering: .relaxed)
    sumBits.add(value)
  }

  public struct Snapshot: Equatable, Sendable {
    /// For each limit, and one more for what is above all.
    public let counts: [UInt64]
    public let sum: Double
    public var count: UInt64 { counts.reduce(0, +) }
  }

  public var snapshot: Snapshot {
    Snapshot(
      counts: (0...buckets.limits.count).map { counts[$0].load(ordering: .relaxed) },
      sum: Double(bitPattern: sumBits.load(ordering: .relaxed)))
  }
}
