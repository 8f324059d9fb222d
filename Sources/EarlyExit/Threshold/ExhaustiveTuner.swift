/// The best thresholds there are on recorded items, for small cases: what other tuners are compared with.
///
/// Visits every way of spending the tolerated disagreements over the ramps; ``DisagreementBeam`` says why nothing else needs
/// to be visited. With d disagreements allowed and r ramps these are at most (d + r)! ÷ (d! r!) policies.
public struct ExhaustiveTuner: Sendable {
  /// How many prefixes of policies it visits at most.
  public var limit = 2_000_000

  public init() {}

  /// Thresholds for `ramps` on the items of the window at which all of them were observed; see ``TunedPolicy``.
  ///
  /// - Throws: ``EarlyExitError/tooManyPolicies(ramps:items:limit:)``.
  public func tuned(
    for window: ObservationWindow, part: WindowPart = .all, newest: Int = .max, ramps: [RampID],
    profile: LatencyProfile, under constraint: AccuracyConstraint
  ) throws(EarlyExitError) -> TunedPolicy {
    let slots = window.complete(window.slots(of: part, newest: newest), for: ramps)
    let problem = TuningProblem(window: window, slots: slots, ramps: ramps, profile: profile)
    let (thresholds, outcome) = try best(
      for: problem, allowed: constraint.allowedDisagreements(in: problem.items))
    return problem.tuned(thresholds, outcome: outcome)
  }

  func best(
    for problem: TuningProblem, allowed: Int
  ) throws(EarlyExitError) -> (thresholds: [Float], outcome: TuningOutcome) {
    var search = ExhaustiveSearch(problem: problem, allowed: allowed, limit: limit)
    guard search.visit(0, TuningOutcome(saving: 0, disagreements: 0)) else {
      throw .tooManyPolicies(ramps: problem.ramps.count, items: problem.items, limit: limit)
    }
    return (problem.tightened(search.bestThresholds), search.best)
  }
}

private struct ExhaustiveSearch {
  let problem: TuningProblem
  let allowed: Int
  let limit: Int
  var best = TuningOutcome(saving: -1, disagreements: 0)
  var bestThresholds: [Float]
  private var visited = 0
  private var thresholds: [Float]
  private var left: [Bool]

  init(problem: TuningProblem, allowed: Int, limit: Int) {
    self.problem = problem
    self.allowed = allowed
    self.limit = limit
    thresholds = Array(repeating: 0, count: problem.ramps.count)
    bestThresholds = thresholds
    left = Array(repeating: false, count: problem.items)
  }

  /// Tries all thresholds from `ramp` on; false when the limit is reached.
  mutating func visit(_ ramp: Int, _ outcome: TuningOutcome) -> Bool {
    visited += 1
    guard visited <= limit else { return false }
    guard ramp < problem.ramps.count else {
      if outcome.isBetter(than: best) {
        best = outcome
        bestThresholds = thresholds
      }
      return true
    }
    let items = problem.items
    let base = ramp * items
    var outcome = outcome
    var leaving: [Int] = []
    defer { for item in leaving { left[item] = false } }
    var position = 0
    thresholds[ramp] = 0
    while position < items {
      let score = problem.scores[base + Int(problem.order[base + position])]
      guard score < .infinity else { break }
      var group: [Int] = []
      while position < items, problem.scores[base + Int(problem.order[base + position])] == score {
        let item = Int(problem.order[base + position])
        if !left[item] { group.append(item) }
        position += 1
      }
      let disagreements = group.count { problem.disagrees[base + $0] }
      if disagreements > 0 {
        let reached = thresholds[ramp]
        guard visit(ramp + 1, outcome) else { return false }
        thresholds[ramp] = reached
        guard outcome.disagreements + disagreements <= allowed else { return true }
      }
      for item in group {
        left[item] = true
        outcome.saving += problem.savings[base + item]
      }
      outcome.disagreements += disagreements
      leaving += group
      thresholds[ramp] = score.nextUp
    }
    return visit(ramp + 1, outcome)
  }
}
