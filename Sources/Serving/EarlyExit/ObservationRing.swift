import Synchronization

/// Observations on their way from the engine's thread to the controller's: fixed memory, one writer, one reader, no
/// locks. Nobody waits: what does not fit is counted and lost.
final class ObservationRing: @unchecked Sendable {
  // Slots between `read` and `written` belong to the reader, all others to the writer; the two counters hand them over.
  private let memory: UnsafeMutableRawBufferPointer
  private let stride: Int
  let capacity: Int
  let sites: Int
  private let written = Atomic<Int>(0)
  private let read = Atomic<Int>(0)
  private let lost = Atomic<Int>(0)

  /// What is known of an item besides what its ramps said.
  struct Header {
    var batch: UInt64
    var item: Int32
    var batchSize: Int32
    /// −1 is the final head.
    var exit: Int32
    var label: Int32
    var exitsAllowed: Bool
    var policyVersion: UInt64
  }

  /// One item's place: its header, then for each site an error score (not a number: not observed) and a label.
  struct Slot {
    fileprivate let base: UnsafeMutableRawPointer
    fileprivate let sites: Int

    var header: Header {
      get { base.load(as: Header.self) }
      nonmutating set { base.storeBytes(of: newValue, as: Header.self) }
    }
    var scores: UnsafeMutableBufferPointer<Float> {
      UnsafeMutableBufferPointer(
        start: (base + ObservationRing.headerSize).assumingMemoryBound(to: Float.self), count: sites)
    }
    var labels: UnsafeMutableBufferPointer<Int32> {
      UnsafeMutableBufferPointer(
        start: (base + ObservationRing.headerSize + 4 * sites).assumingMemoryBound(to: Int32.self), count: sites)
    }
  }

  private static let headerSize = (MemoryLayout<Header>.size + 7) / 8 * 8

  init(sites: Int, capacity: Int) {
    self.sites = sites
    self.capacity = max(1, capacity)
    stride = (Self.headerSize + 8 * sites + 7) / 8 * 8
    memory = .allocate(byteCount: stride * self.capacity, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { memory.deallocate() }

  var waiting: Int { written.load(ordering: .acquiring) - read.load(ordering: .acquiring) }
  var lostCount: Int { lost.load(ordering: .relaxed) }

  private func slot(_ number: Int) -> Slot {
    guard let base = memory.baseAddress else { preconditionFailure("a ring has memory") }
    return Slot(base: base + number % capacity * stride, sites: sites)
  }

  /// Writes one observation, unless the ring is full. For one thread. Allocates nothing.
  func write(_ body: (Slot) -> Void) {
    let number = written.load(ordering: .relaxed)
    guard number - read.load(ordering: .acquiring) < capacity else {
      lost.add(1, ordering: .relaxed)
      return
    }
    body(slot(number))
    written.store(number + 1, ordering: .releasing)
  }

  /// Reads the oldest observation. For one thread.
  ///
  /// - Returns: false when there is none.
  func next(_ body: (Slot) -> Void) -> Bool {
    let number = read.load(ordering: .relaxed)
    guard number < written.load(ordering: .acquiring) else { return false }
    body(slot(number))
    read.store(number + 1, ordering: .releasing)
    return true
  }
}
