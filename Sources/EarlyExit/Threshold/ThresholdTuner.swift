/// Chooses one threshold per ramp so that recorded items would have saved the most within a constraint.
///
/// Candidates are the observed scores. A beam over how the tolerated disagreements are spent (``DisagreementBeam``)
/// and the paper's hill climbing (``GreedyTuner``) give starting points; each is improved ramp by ramp until no single
/// threshold can be better (``CoordinateSweep``), and the best one wins. So it is never worse than the paper's. On recorded
/// windows it is the exhaustive optimum in nearly all cases (see ``ExhaustiveTuner`` and the tests). What it takes:
/// `apparate-bench tuner`. The order of the items makes no difference.
public struct ThresholdTuner: Sendable {
  /// How many prefixes the beam keeps for each ramp and number of disagreements spent.
  public var width: Int

  public init(width: Int = 8) { self.width = max(1, width) }

  /// Thresholds for `ramps` on the items of the window at which all of them were observed; see ``TunedPolicy``.
  ///
  /// - Parameters:
  ///   - part: which items of the window may be looked at.
  ///   - newest: at most so many of them, the newest ones.
  ///   - ramps: sites of the profile, in ascending order.
  public func tuned(
    for window: ObservationWindow, part: WindowPart = .all, newest: Int = .max, ramps: [RampID],
    profile: LatencyProfile, under constraint: AccuracyConstraint
  ) -> TunedPolicy {
    let slots = window.complete(window.slots(of: part, newest: newest), for: ramps)
    let problem = TuningProblem(window: window, slots: slots, ramps: ramps, profile: profile)
    let (thresholds, outcome) = best(
      for: problem, allowed: constraint.allowedDisagreements(in: problem.items))
    return problem.tuned(thresholds, outcome: outcome)
  }

  func best(for problem: TuningProblem, allowed: Int) -> (thresholds: [Float], outcome: TuningOutcome) {
    guard problem.items > 0, !problem.ramps.isEmpty else {
      return ([Float](repeating: 0, count: problem.ramps.count), TuningOutcome(saving: 0, disagreements: 0))
    }
    let columns = RampColumns(problem)
    var greedy = ItemExits(columns)
    _ = GreedyTuner().climb(&greedy, columns, allowed: allowed)
    let found = DisagreementBeam.best(for: columns, allowed: allowed, width: width, reference: greedy)
    var best = ItemExits(columns, at: found)
    CoordinateSweep.polish(&best, columns, allowed: allowed)
    CoordinateSweep.polish(&greedy, columns, allowed: allowed)
    return greedy.outcome.isBetter(than: best.outcome)
      ? (greedy.tightThresholds(columns), greedy.outcome) : (best.tightThresholds(columns), best.outcome)
  }
}
