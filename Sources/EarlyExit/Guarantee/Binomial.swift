#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Exact tails of the binomial distribution, and the Clopper–Pearson bounds made of them.
///
/// Sums start at the term nearest to the mean and go away from it, scaled by their logarithm, so they neither underflow
/// nor cancel at any number of items.
enum Binomial {
  /// The probability of at most `successes` in `trials` of probability `p`.
  static func probability(atMost successes: Int, of trials: Int, p: Double) -> Double {
    guard successes >= 0 else { return 0 }
    guard successes < trials, p > 0 else { return 1 }
    guard p < 1 else { return 0 }
    if Double(successes) <= Double(trials) * p {
      return tail(from: successes, of: trials, p: p, step: -1)
    }
    return max(0, 1 - tail(from: successes + 1, of: trials, p: p, step: 1))
  }

  /// The largest share that is not refuted at level `delta` by so few successes: one-sided Clopper–Pearson.
  static func upperBound(successes: Int, of trials: Int, delta: Double) -> Double {
    guard trials > 0, successes < trials else { return 1 }
    return root { probability(atMost: successes, of: trials, p: $0) > delta }
  }

  /// The smallest share that is not refuted at level `delta` by so many successes.
  static func lowerBound(successes: Int, of trials: Int, delta: Double) -> Double {
    guard trials > 0, successes > 0 else { return 0 }
    return root { 1 - probability(atMost: successes - 1, of: trials, p: $0) <= delta }
  }

  /// Where a condition that holds from 0 up to some share ceases to hold.
  private static func root(_ holds: (Double) -> Bool) -> Double {
    var low = 0.0
    var high = 1.0
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if holds(middle) { low = middle } else { high = middle }
    }
    return high
  }

  /// The sum of the terms from `first` on, away from the mean: each is smaller than the one before.
  private static func tail(from first: Int, of trials: Int, p: Double, step: Int) -> Double {
    var term = 1.0
    var sum = 0.0
    var k = first
    while k >= 0, k <= trials, term > sum * 1e-17 {
      sum += term
      let odds = p / (1 - p)
      term *= step < 0 ? Double(k) / (Double(trials - k + 1) * odds) : Double(trials - k) / Double(k + 1) * odds
      k += step
    }
    return min(1, exp(logTerm(first, of: trials, p: p) + log(sum)))
  }

  private static func logTerm(_ k: Int, of n: Int, p: Double) -> Double {
    logFactorial(n) - logFactorial(k) - logFactorial(n - k) + Double(k) * log(p) + Double(n - k) * log1p(-p)
  }

  /// Stirling's series beyond 20; its error there is below 1e-13.
  private static func logFactorial(_ n: Int) -> Double {
    guard n > 20 else { return n < 2 ? 0 : (2...n).reduce(0) { $0 + log(Double($1)) } }
    let x = Double(n) + 1
    let inverse = 1 / x
    let square = inverse * inverse
    return (x - 0.5) * log(x) - x + 0.5 * log(2 * .pi)
      + inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square / 1680)))
  }
}
