#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A fixed sequence of policies from conservative to bold, made from tuning items alone: one set of proportions between the
/// ramps' thresholds, scaled up step by step.
///
/// So certification decides one thing only, how bold to be. The proportions lie half way, as geometric means, between
/// those of the thresholds that save the most on the tuning items and equal ones. Tuned ones follow the luck of a few
/// disagreements; equal ones are right as far as ramps are calibrated alike. On recorded windows the mixture saved as much
/// as the better of the two for new items, and a sequence of policies that were each tuned for a number of disagreements saved
/// less at the same true disagreement (300 tuning items, 1 %: 42 against 37 % of the latency on tweets, 45 against 38 % on D1's
/// ResNet-18).
struct CertificationPath {
  /// Thresholds for the problem's ramps.
  let policies: [[Float]]

  /// From step to step all thresholds grow by this much.
  static let growth: Float = 1.12
  /// The steps below and above the mixture's own scale.
  static let steps = -60...16

  init(tunedOn problem: TuningProblem, constraint: AccuracyConstraint, tuner: ControllerOptions.Tuner) {
    // Twice the tolerance gives the proportions more disagreements to stand on.
    let allowed = max(1, 2 * constraint.allowedDisagreements(in: problem.items))
    let tuned =
      switch tuner {
      case .beam: ThresholdTuner().best(for: problem, allowed: allowed).thresholds
      case .greedy: GreedyTuner().thresholds(for: problem, allowed: allowed)
      }
    let positive = tuned.filter { $0 > 0 }
    guard !positive.isEmpty else {
      policies = []
      return
    }
    let equal = exp(positive.reduce(0) { $0 + log($1) } / Float(positive.count))
    // A ramp that tuning did not use is not ruled out, only held back.
    let mixture = tuned.map { $0 > 0 ? ($0 * equal).squareRoot() : equal / 2 }
    policies = Self.steps.map { step in
      let scale = pow(Self.growth, Float(step))
      return mixture.map { $0 * scale }
    }
  }
}
