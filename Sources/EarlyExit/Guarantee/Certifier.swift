/// Says which of some policies meets the constraint for new items, from items that had no part in choosing the policies.
///
/// The policies come in a fixed order, from the most conservative to the boldest, and are tested in that order by the exact
/// binomial test (Clopper–Pearson) of "its disagreement exceeds what is tolerated", each at level δ. The first one that
/// is not certified ends the walk. Whatever the policies, the probability that the walk passes one that breaks the
/// constraint is at most δ: it would have to pass the first such one in the order, which happens with probability ≤ δ. So
/// there is no price for testing many (fixed-sequence testing). Walking the other way, from bold to conservative and taking the first
/// that passes, has no such bound when disagreements are not nested.
public struct Certifier: Sendable, Equatable {
  public let constraint: AccuracyConstraint
  /// The probability of certifying what does not hold.
  public let delta: Double

  /// - Throws: ``EarlyExitError/invalidOption(name:expected:got:)`` unless δ is over 0 and at most 0.5.
  public init(constraint: AccuracyConstraint, delta: Double) throws(EarlyExitError) {
    guard delta > 0, delta <= 0.5 else {
      throw .invalidOption(name: "delta", expected: "a probability over 0 and up to 0.5", got: "\(delta)")
    }
    self.constraint = constraint
    self.delta = delta
  }

  /// The most disagreements among `items` with which a policy is certified; nil when even none are too few items: 299 are
  /// needed for 1 % at δ = 5 %.
  public func mostDisagreements(in items: Int) -> Int? {
    let tolerated = constraint.toleratedDisagreement
    guard tolerated < 1 else { return items }
    guard items > 0, Binomial.probability(atMost: 0, of: items, p: tolerated) <= delta else { return nil }
    var certified = 0
    var refused = constraint.allowedDisagreements(in: items) + 1
    while refused - certified > 1 {
      let middle = (certified + refused) / 2
      if Binomial.probability(atMost: middle, of: items, p: tolerated) <= delta {
        certified = middle
      } else {
        refused = middle
      }
    }
    return certified
  }

  /// The fewest items with which anything can be certified: those of which none disagrees.
  public var fewestItems: Int {
    guard constraint.toleratedDisagreement > 0 else { return .max }
    var items = 1
    while mostDisagreements(in: items) == nil { items *= 2 }
    var low = items / 2
    while items - low > 1 {
      let middle = (low + items) / 2
      if mostDisagreements(in: middle) == nil { low = middle } else { items = middle }
    }
    return items
  }

  /// The index of the boldest of `policies` that is certified on the items of `problem`, or nil.
  ///
  /// - Parameter policies: thresholds for the problem's ramps, from conservative to bold, chosen without these items.
  func boldest(of policies: [[Float]], on problem: TuningProblem) -> Int? {
    guard let most = mostDisagreements(in: problem.items) else { return nil }
    return PolicyCounts.boldest(of: policies, on: problem, atMost: most, tolerated: constraint.toleratedDisagreement)
  }
}
