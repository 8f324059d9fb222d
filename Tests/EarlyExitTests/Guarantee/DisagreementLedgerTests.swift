import Testing

@testable import EarlyExit

@Suite struct DisagreementLedgerTests {
  /// An adversary who lets every released answer be wrong, or as many as a seeded coin says.
  @Test(arguments: [1, 0.9, 0.1, 0.02, 0.01, 0.001]) func noLongRunBreaksTheConstraint(rate: Double) throws {
    for accuracy in [0.99, 0.999, 0.95] {
      let constraint = try AccuracyConstraint(accuracy)
      var ledger = try DisagreementLedger(constraint: constraint, horizon: 2000)
      var random = SplitMix(seed: 3)
      var sums = [0]
      for _ in 0..<30_000 {
        let disagrees = ledger.mayRelease && random.unit() < rate
        ledger.book(disagrees: disagrees)
        sums.append(sums[sums.count - 1] + (disagrees ? 1 : 0))
      }
      let horizon = Int(ledger.horizon.rounded(.up))
      for start in stride(from: 0, to: sums.count - horizon, by: 7) {
        let run = sums[start + horizon] - sums[start]
        #expect(run <= constraint.allowedDisagreements(in: horizon), "from \(start), constraint \(accuracy)")
      }
      // An average near the constraint is made use of.
      if rate >= 0.1 { #expect(sums[30_000] > Int(0.6 * 30_000 * (1 - accuracy))) }
    }
  }

  @Test func rareDisagreementsNeverStopExits() throws {
    var ledger = try DisagreementLedger(constraint: .standard, horizon: 2000)
    for item in 0..<10_000 {
      ledger.book(disagrees: item % 200 == 199)
      #expect(ledger.mayRelease)
    }
  }

  @Test func answersOnTheirWayMakeADebt() throws {
    var ledger = try DisagreementLedger(constraint: .standard, horizon: 2000)
    let burst = Int(ledger.capacity)
    for _ in 0..<burst + 8 { ledger.book(disagrees: true) }
    #expect(!ledger.mayRelease)
    #expect(ledger.balance < -7)
    // Until the debt is paid back and a small stock is there again.
    let wait = Int((ledger.resume - ledger.balance) / ledger.income)
    for _ in 0..<wait { ledger.book(disagrees: false) }
    #expect(!ledger.mayRelease)
    for _ in 0..<2 { ledger.book(disagrees: false) }
    #expect(ledger.mayRelease)
  }

  @Test func theBalanceThrottlesThresholds() throws {
    var ledger = try DisagreementLedger(constraint: .standard, horizon: 2000)
    #expect(ledger.balance == ledger.capacity && ledger.throttle == 1)
    var last = ledger.throttle
    var factors: Set<Float> = [last]
    while ledger.mayRelease {
      ledger.book(disagrees: true)
      #expect(ledger.throttle <= last)
      last = ledger.throttle
      factors.insert(last)
    }
    #expect(last == 0 && factors.count > 2)
    // Also where the constraint leaves room for no more than two at a time.
    var tight = try DisagreementLedger(constraint: AccuracyConstraint(0.9999), horizon: 2000)
    tight.book(disagrees: false)
    #expect(tight.throttle == 1)
  }

  @Test func whereNothingIsToleratedNothingIsReleased() throws {
    var ledger = try DisagreementLedger(constraint: AccuracyConstraint(1), horizon: 2000)
    for _ in 0..<100 {
      #expect(!ledger.mayRelease)
      ledger.book(disagrees: false)
    }
  }
}
