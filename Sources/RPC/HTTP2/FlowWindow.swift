/// What a peer may still send. RFC 9113, 5.2.
struct FlowWindow {
  static let defaultSize = 65_535
  static let largest = Int(Int32.max)

  private let size: Int
  private var left: Int
  /// Read, and not yet given back.
  private var owed = 0

  init(_ size: Int) {
    self.size = size
    left = size
  }

  /// - Returns: Whether the peer was allowed so much.
  mutating func take(_ count: Int) -> Bool {
    left -= count
    return left >= 0
  }

  /// Bytes have been read. Nil while there is room enough; otherwise what to tell the peer.
  mutating func give(back count: Int) -> Int? {
    owed += count
    guard owed >= size / 2 else { return nil }
    defer { owed = 0 }
    left += owed
    return owed
  }
}
