/// A fixed sequence of policies from conservative to bold, made from tuning items alone.
///
/// Its bold end are the thresholds that save the most for each number of disagreements on the tuning items; its
/// conservative end are the first of these, scaled down. So certification decides one thing only, how bold to be, and the
/// proportions of the thresholds cost it no evidence.
struct CertificationPath {
  /// Thresholds for the problem's ramps.
  let policies: [[Float]]

  private static let scales: [Float] = [1.0 / 64, 1.0 / 16, 0.25, 0.5]

  init(tunedOn problem: TuningProblem, constraint: AccuracyConstraint, tuner: ControllerOptions.Tuner) {
    // A few more than are tolerated: the tuning items may be unluckier than the others.
    let allowed = constraint.allowedDisagreements(in: problem.items) + 2
    let frontier: [[Float]]
    switch tuner {
    case .beam: frontier = ThresholdTuner().frontier(for: problem, allowed: allowed)
    case .greedy:
      frontier = (0...allowed).map { GreedyTuner().thresholds(for: problem, allowed: $0) }
        .filter { thresholds in thresholds.contains { $0 > 0 } }
    }
    guard let first = frontier.first else {
      policies = []
      return
    }
    policies = Self.scales.map { scale in first.map { $0 * scale } } + frontier
  }
}
