import NIOCore

/// Counts what a peer does in each second. The clock is asked only when that would be too much.
struct RateLimit {
  private let perSecond: Int
  private var count = 0
  private var second = NIODeadline.distantPast

  init(perSecond: Int) { self.perSecond = perSecond }

  /// - Returns: Whether this is within the limit.
  mutating func admit() -> Bool {
    count += 1
    guard count > perSecond else { return true }
    let now = NIODeadline.now()
    guard now - second >= .seconds(1) else { return false }
    second = now
    count = 1
    return true
  }
}
