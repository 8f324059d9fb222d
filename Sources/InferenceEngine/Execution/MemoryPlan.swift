/// Places blocks with known lifetimes in one arena so that blocks that are never alive together share bytes.
///
/// Greedy by size (largest first, lowest free offset): within a few per cent of the lower bound on real networks
/// (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020). O(n²) in the blocks.
struct MemoryPlan: Sendable {
  struct Block: Sendable {
    let byteCount: Int
    /// First step that writes it … last step that reads it, inclusive.
    let lifetime: ClosedRange<Int>
  }

  private(set) var offsets: [Int]
  private(set) var arenaByteCount: Int

  /// - Parameter alignment: of every offset, in bytes.
  init(_ blocks: [Block], alignment: Int) {
    offsets = [Int](repeating: 0, count: blocks.count)
    arenaByteCount = 0
    var placed: [Int] = []
    for index in blocks.indices.sorted(by: { (blocks[$0].byteCount, $1) > (blocks[$1].byteCount, $0) }) {
      let size = blocks[index].byteCount.roundedUp(to: alignment)
      var offset = 0
      for other in placed where blocks[other].lifetime.overlaps(blocks[index].lifetime) {
        let start = offsets[other]
        if offset + size <= start { break }
        offset = max(offset, start + blocks[other].byteCount.roundedUp(to: alignment))
      }
      offsets[index] = offset
      arenaByteCount = max(arenaByteCount, offset + size)
      placed.insert(index, at: placed.firstIndex { offsets[$0] > offset } ?? placed.count)
    }
  }
}

extension Int {
  func roundedUp(to multiple: Int) -> Int { (self + multiple - 1) / multiple * multiple }
  func dividedRoundingUp(by divisor: Int) -> Int { (self + divisor - 1) / divisor }
}
