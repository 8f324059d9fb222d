import Testing

@testable import EarlyExit

@Suite struct DriftDetectorTests {
  /// The items until the first alarm at a rate of disagreement, at most `limit`.
  private func run(rate: Double, limit: Int, seed: UInt64) throws -> (items: Int, start: UInt64)? {
    var detector = try DriftDetector(constraint: .standard, spacing: 10_000)
    var random = SplitMix(seed: seed)
    for item in 0..<limit {
      if let start = detector.book(disagrees: random.unit() < rate, number: UInt64(item)) { return (item + 1, start) }
    }
    return nil
  }

  @Test func falseAlarmsAreAsRareAsPromised() throws {
    // At the tolerated rate itself, alarms are at least 10,000 items apart on average.
    let runs = try (0..<60).map { try run(rate: 0.01, limit: 60_000, seed: $0)?.items ?? 60_000 }
    #expect(runs.reduce(0, +) / runs.count >= 10_000)
    #expect(try run(rate: 0.005, limit: 200_000, seed: 77) == nil)
  }

  @Test(arguments: [(0.03, 1200), (0.05, 450), (0.1, 150), (0.5, 30)])
  func aRiseShowsSoon(rate: Double, items: Int) throws {
    let delays = try (0..<20).map { try run(rate: rate, limit: 20_000, seed: $0)?.items ?? 20_000 }
    #expect(delays.reduce(0, +) / delays.count <= items)
  }

  @Test func theMomentOfTheChangeIsFound() throws {
    for seed in 0..<10 {
      var detector = try DriftDetector(constraint: .standard, spacing: 10_000)
      var random = SplitMix(seed: UInt64(seed))
      var found: UInt64?
      for item in 0..<4000 where found == nil {
        found = detector.book(disagrees: random.unit() < (item < 2000 ? 0.002 : 0.08), number: UInt64(item))
      }
      let start = try #require(found)
      #expect(start > 1600 && start < 2300, "found \(start) for 2000")
    }
  }

  @Test func whereNothingIsToleratedTheFirstDisagreementIsAnAlarm() throws {
    var detector = try DriftDetector(constraint: AccuracyConstraint(1), spacing: 10_000)
    for item in 0..<50 { #expect(detector.book(disagrees: false, number: UInt64(item)) == nil) }
    #expect(detector.book(disagrees: true, number: 50) != nil)
  }
}
