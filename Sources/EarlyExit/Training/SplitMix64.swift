/// Steele, Lea and Flood's SplitMix64: small, seedable, the same on every machine.
struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Uniform in 0..<bound. The standard library's methods may change between versions; this one may not, or training
  /// would not be replayable. The bias is under bound / 2⁶⁴.
  mutating func index(below bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Uniform in [-1, 1).
  mutating func symmetric() -> Float { Float(Int32(truncatingIfNeeded: next() >> 40) - (1 << 23)) / Float(1 << 23) }

  /// Row-major [rows, depth] with biases 0 in the last column, the rest uniform with variance 2 / (rows + depth - 1):
  /// Glorot and Bengio's start (2010), which keeps signals in the range of a tanh.
  mutating func uniformMatrix(rows: Int, depth: Int) -> [Float] {
    let bound = (6 / Float(rows + depth - 1)).squareRoot()
    return (0..<rows * depth).map { ($0 + 1) % depth == 0 ? 0 : symmetric() * bound }
  }

  mutating func shuffle<Element>(_ elements: inout [Element]) {
    guard elements.count > 1 else { return }
    for last in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(last, index(below: last + 1)) }
  }
}
