import Testing

@testable import EarlyExit

@Suite struct BinomialTests {
  /// The sum as it is written, in exact enough arithmetic for small numbers.
  private func sum(_ successes: Int, _ trials: Int, _ p: Double) -> Double {
    var total = 0.0
    for k in 0...successes {
      var term = 1.0
      for i in 0..<k { term *= Double(trials - i) / Double(i + 1) * p }
      for _ in 0..<(trials - k) { term *= 1 - p }
      total += term
    }
    return total
  }

  @Test func tailsEqualTheirSums() {
    for (successes, trials, p) in [
      (0, 1, 0.3), (3, 10, 0.5), (0, 299, 0.01), (4, 1000, 0.01), (30, 60, 0.2), (59, 60, 0.9), (7, 500, 0.05),
    ] {
      let expected = sum(successes, trials, p)
      let got = Binomial.probability(atMost: successes, of: trials, p: p)
      #expect(abs(got - expected) <= 1e-10 * max(expected, 1e-3), "P(X ≤ \(successes)), \(trials) trials of \(p)")
    }
  }

  @Test func tailsOfMillionsOfTrialsNeitherVanishNorExceedOne() {
    let trials = 10_000_000
    let half = Binomial.probability(atMost: 100_000, of: trials, p: 0.01)
    #expect(half > 0.49 && half < 0.52)
    #expect(Binomial.probability(atMost: 0, of: trials, p: 0.01) == 0)
    #expect(Binomial.probability(atMost: trials - 1, of: trials, p: 0.01) == 1)
  }

  @Test func boundsAreClopperAndPearsons() {
    // 1 − 0.05^(1/n) for no success.
    #expect(abs(Binomial.upperBound(successes: 0, of: 299, delta: 0.05) - 0.0099693) < 1e-6)
    // R: binom.test(10, 100)$conf.int
    #expect(abs(Binomial.lowerBound(successes: 10, of: 100, delta: 0.025) - 0.0490047) < 1e-6)
    #expect(abs(Binomial.upperBound(successes: 10, of: 100, delta: 0.025) - 0.1762226) < 1e-6)
    #expect(Binomial.lowerBound(successes: 0, of: 10, delta: 0.05) == 0)
    #expect(Binomial.upperBound(successes: 10, of: 10, delta: 0.05) == 1)
  }
}
