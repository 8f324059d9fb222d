import Testing

@testable import ClockworkAdapter

@Suite struct ClockEstimateTests {
  @Test func theLeastOfAWindowIsThatOfItsNumbers() {
    var state: UInt64 = 1
    for window in [1, 2, 7, 1024] {
      var minimum = SlidingMinimum(window: window)
      var all: [Int64] = []
      #expect(minimum.minimum == nil)
      for _ in 0..<5000 {
        state = state &* 6_364_136_223_846_793_005 &+ 1
        all.append(Int64(state >> 58))
        minimum.append(all[all.count - 1])
        #expect(minimum.minimum == all.suffix(window).min())
      }
    }
  }

  /// Frames back and forth between two clocks; the fastest way takes 30 µs each way, others longer.
  @Test(arguments: [0, 1, -1, 122_400_000_000_000, -122_400_000_000_000] as [Int64])
  func findsHowFarClocksAreApart(_ offset: Int64) {
    var (ours, theirs) = (ClockEstimate(), ClockEstimate())
    var time: UInt64 = 1_764_000_000_000_000_000
    var jitter: UInt64 = 7
    for turn in 0..<200 {
      jitter = jitter &* 6_364_136_223_846_793_005 &+ 1
      let delay = 30_000 + (turn % 10 == 0 ? 0 : jitter >> 44)
      time += 1_000_000
      // Theirs to us: our clock is `offset` ahead.
      let arrival = UInt64(Int64(time + delay) + offset)
      ours.update(received: arrival, sent: time, peerDelay: theirs.delay)
      if turn == 0 { #expect(ours.delta.nanoseconds == 0, "nothing can be known from one frame") }
      time += 500_000
      theirs.update(received: time + delay, sent: UInt64(Int64(time) + offset), peerDelay: ours.delay)
    }
    #expect(abs(ours.delta.nanoseconds - offset) <= 1)
    #expect(abs(theirs.delta.nanoseconds + offset) <= 1)
  }

  @Test func anyNumbersAreBorne() {
    var estimate = ClockEstimate()
    for (received, sent, delay) in [(0, UInt64.max, Int64.min), (.max, 0, .max - 1), (5, 5, -1)]
      as [(UInt64, UInt64, Int64)]
    {
      estimate.update(received: received, sent: sent, peerDelay: delay)
      _ = estimate.delta
      _ = estimate.delay
    }
  }

  @Test func theEndsOfTimeStayWhatTheyAre() {
    for offset in [Int64.min, -5, 0, 5, .max] {
      let delta = ClockDelta(nanoseconds: offset)
      for end in [0, UInt64.max] {
        #expect(delta.ours(end) == end)
        #expect(delta.theirs(end) == end)
      }
    }
    let delta = ClockDelta(nanoseconds: 100)
    #expect(delta.ours(1000) == 1100)
    #expect(delta.theirs(1000) == 900)
    #expect(delta.theirs(50) == 50, "what would wrap stays")
    #expect(delta.ours(UInt64.max - 50) == UInt64.max - 50)
    #expect(ClockDelta(nanoseconds: -100).ours(1000) == 900)
  }
}
