/// Sorts items by their scores at one ramp: by bytes of the scores' bit patterns, in which non-negative floats are ordered as
/// numbers.
///
/// O(items), and no comparisons: about a tenth of what sorting by comparison takes for 512 items. Keeps its memory.
struct ScoreOrder: ~Copyable {
  private let keys: Scratch<UInt64>
  private let sorted: Scratch<UInt64>
  private let counts: Scratch<Int>

  init(items: Int) {
    keys = Scratch(repeating: 0, count: items)
    sorted = Scratch(repeating: 0, count: items)
    counts = Scratch(repeating: 0, count: 4 * 256)
  }

  /// Appends the items by ascending score. Of equal scores those that disagree come first, then those of lower number.
  ///
  /// - Parameters:
  ///   - scores: not negative, not NaN.
  ///   - disagrees: as many.
  mutating func append(_ scores: Span<Float>, _ disagrees: Span<Bool>, to order: inout [Int32]) {
    let items = keys.elements.count
    counts.elements.update(repeating: 0)
    for item in 0..<items {
      // The sign is shifted out, and whether it agrees shifted in.
      let key = scores[item].bitPattern << 1 | (disagrees[item] ? 0 : 1)
      keys.elements[item] = UInt64(key) << 32 | UInt64(item)
      for byte in 0..<4 { counts.elements[byte << 8 | Int(key >> (8 * UInt32(byte)) & 0xFF)] += 1 }
    }
    for byte in 0..<4 {
      var start = 0
      for value in byte << 8..<(byte + 1) << 8 {
        (counts.elements[value], start) = (start, start + counts.elements[value])
      }
      // Two passes of four end where they began.
      let (from, to) = byte.isMultiple(of: 2) ? (keys.elements, sorted.elements) : (sorted.elements, keys.elements)
      for place in 0..<items {
        let digit = byte << 8 | Int(from[place] >> (32 + 8 * UInt64(byte)) & 0xFF)
        to[counts.elements[digit]] = from[place]
        counts.elements[digit] += 1
      }
    }
    for key in keys.elements { order.append(Int32(truncatingIfNeeded: key & 0xFFFF_FFFF)) }
  }
}
