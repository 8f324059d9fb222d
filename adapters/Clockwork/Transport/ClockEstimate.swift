/// How two clocks differ, from the times that frames carry: the least delay seen each way, over the last frames, and half
/// of what these differ by.
struct ClockEstimate {
  /// Frames that count.
  static let window = 1024

  /// What a frame says of the time before its sender received one itself.
  static let unknown = Int64.max

  private var delays = SlidingMinimum(window: window)
  private var peerDelays = SlidingMinimum(window: window)

  /// Takes a frame's two times into account.
  ///
  /// - Parameters:
  ///   - received: when its first 48 bytes were there, on our clock.
  ///   - sent: when it was sent, on the peer's.
  ///   - peerDelay: the peer's own ``delay``.
  mutating func update(received: Nanoseconds, sent: Nanoseconds, peerDelay: Int64) {
    delays.append(Int64(bitPattern: received &- sent))
    peerDelays.append(peerDelay)
  }

  /// Our clock minus the peer's plus the least time a frame took from it to us; ``unknown`` before the first frame.
  /// Every frame that we send carries it.
  var delay: Int64 { delays.minimum ?? Self.unknown }

  /// How far our clock is ahead of the peer's; zero while that is not known.
  var delta: ClockDelta {
    guard let ours = delays.minimum, let theirs = peerDelays.minimum, theirs != Self.unknown else {
      return ClockDelta(nanoseconds: 0)
    }
    return ClockDelta(nanoseconds: Int64((Int128(ours) - Int128(theirs)) / 2))
  }
}

/// How far our clock is ahead of a peer's.
struct ClockDelta: Sendable, Equatable {
  var nanoseconds: Int64

  /// A time of the peer's on our clock. The ends of time stay what they are.
  func ours(_ time: Nanoseconds) -> Nanoseconds { shifted(time, by: nanoseconds) }

  /// A time of ours on the peer's clock.
  func theirs(_ time: Nanoseconds) -> Nanoseconds {
    nanoseconds == .min ? time : shifted(time, by: -nanoseconds)
  }

  private func shifted(_ time: Nanoseconds, by offset: Int64) -> Nanoseconds {
    if time == 0 || time == .max { return time }
    let (sum, overflow) =
      offset < 0 ? time.subtractingReportingOverflow(offset.magnitude) : time.addingReportingOverflow(offset.magnitude)
    return overflow ? time : sum
  }
}

/// The least of the last `window` numbers. Appending is O(1) amortised.
struct SlidingMinimum {
  let window: Int
  private var count = 0
  /// Numbers that are, or may yet become, the least, ascending, with their places in the sequence.
  private var candidates: [(place: Int, number: Int64)] = []
  private var first = 0

  init(window: Int) { self.window = window }

  var minimum: Int64? { first < candidates.count ? candidates[first].number : nil }

  mutating func append(_ number: Int64) {
    while candidates.count > first, let last = candidates.last, last.number >= number { candidates.removeLast() }
    candidates.append((count, number))
    count += 1
    if candidates[first].place < count - window { first += 1 }
    if first > window {
      candidates.removeFirst(first)
      first = 0
    }
  }
}
