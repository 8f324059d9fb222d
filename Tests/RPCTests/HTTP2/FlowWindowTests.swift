import Testing

@testable import RPC

@Suite struct FlowWindowTests {
  @Test func `a peer may send what it was allowed, and is told of room when half is read`() {
    var window = FlowWindow(100)
    let taken = [60].map { window.take($0) }
    let given = [49, 11].map { window.give(back: $0) }
    let then = [100, 1].map { window.take($0) }
    #expect(taken == [true])
    #expect(given == [nil, 60])
    #expect(then == [true, false])
  }

  @Test func `a rate is counted from the first time that is too much`() {
    var limit = RateLimit(perSecond: 3)
    // The first three may have come at any time: a second begins with the fourth.
    let admitted = (0..<7).map { _ in limit.admit() }
    #expect(admitted == [true, true, true, true, true, true, false])
  }
}
