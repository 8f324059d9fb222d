/// Thresholds that are tuned once, before serving, and never again: what early-exit models did before. Paper §2.3.
public enum StaticTuner: String, Sendable, CaseIterable {
  /// One threshold for all ramps, as BranchyNet and DeeBERT are commonly run.
  case shared
  /// One threshold for each ramp.
  case perRamp = "per-ramp"

  /// Thresholds for `ramps` on the items of the window at which all of them were observed.
  public func tuned(
    for window: ObservationWindow, ramps: [RampID], profile: LatencyProfile, under constraint: AccuracyConstraint
  ) -> TunedPolicy {
    switch self {
    case .perRamp: return ThresholdTuner().tuned(for: window, ramps: ramps, profile: profile, under: constraint)
    case .shared:
      let slots = window.complete(window.slots(), for: ramps)
      let problem = TuningProblem(window: window, slots: slots, ramps: ramps, profile: profile, sorted: false)
      let threshold = Self.sharedThreshold(
        for: problem, allowed: constraint.allowedDisagreements(in: problem.items))
      let thresholds = [Float](repeating: threshold, count: ramps.count)
      return problem.tuned(thresholds, outcome: problem.outcome(of: thresholds))
    }
  }

  /// The shared threshold that saves the most. Raising it moves exits towards the input only, so what it saves grows, while
  /// disagreements go up and down: the largest one within the constraint is the best.
  private static func sharedThreshold(for problem: TuningProblem, allowed: Int) -> Float {
    let candidates = Set(problem.scores.filter { $0 < .infinity }).sorted().map(\.nextUp)
    let counts = PolicyCounts(
      of: candidates.map { Array(repeating: $0, count: problem.ramps.count) }, on: problem)
    return candidates.indices.last { counts.disagreements[$0] <= allowed }.map { candidates[$0] } ?? 0
  }
}
