import Testing

@testable import Sidecar

@Suite("How background work is paced")
struct PacerTests {
  @Test("it runs freely without requests, and in slices that are its share with them")
  func share() {
    let start = ContinuousClock.now
    var pacer = Pacer(share: 0.05, slice: .seconds(1), quiet: .seconds(5), start: start)
    var now = start
    let runsAtFirst = pacer.mayRun(at: now, hasRequests: false)
    #expect(runsAtFirst)
    var (ran, slices) = (0, 0)
    for _ in 0..<100_000 {
      now += .milliseconds(20)
      let wasRunning = pacer.isRunning
      if pacer.mayRun(at: now, hasRequests: true) {
        ran += 1
        slices += wasRunning ? 0 : 1
      }
    }
    // 2,000 seconds: 100 of them in slices of a second.
    #expect((4_900...5_100).contains(ran), "\(ran)")
    #expect((90...110).contains(slices), "\(slices)")
    let runsInPeace = pacer.mayRun(at: now + .seconds(6), hasRequests: false)
    #expect(runsInPeace)
  }

  @Test("it stops at the first request after a pause")
  func stops() {
    let start = ContinuousClock.now
    var pacer = Pacer(share: 0.01, start: start)
    let decisions = [(1, false), (2, true), (6, false), (8, false)].map { second, hasRequests in
      pacer.mayRun(at: start + .seconds(second), hasRequests: hasRequests)
    }
    #expect(decisions == [true, false, false, true])
  }
}
