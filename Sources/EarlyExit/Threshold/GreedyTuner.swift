/// The paper's threshold tuning: hill climbing from thresholds of zero. Paper §3.2, Algorithm 1.
///
/// Each round raises, for each ramp by itself, the threshold by that ramp's step, and keeps the one rise with the most
/// extra saving per extra disagreement. The step of the ramp that moved doubles; when no ramp can move within the
/// constraint, all steps are halved, down to a smallest step. Rises are evaluated on the recorded scores alone: only the
/// items whose score lies between the old threshold and the new one can leave elsewhere.
public struct GreedyTuner: Sendable {
  public var initialStep: Float = 0.1
  public var smallestStep: Float = 0.01

  public init() {}

  /// Thresholds for `ramps` on the items of the window at which all of them were observed.
  ///
  /// - Parameter ramps: sites of the profile, in ascending order.
  public func tuned(
    for window: ObservationWindow, part: WindowPart = .all, newest: Int = .max, ramps: [RampID],
    profile: LatencyProfile, under constraint: AccuracyConstraint
  ) -> TunedPolicy {
    let slots = window.complete(window.slots(of: part, newest: newest), for: ramps)
    let problem = TuningProblem(window: window, slots: slots, ramps: ramps, profile: profile)
    let thresholds = thresholds(for: problem, allowed: constraint.allowedDisagreements(in: problem.items))
    return problem.tuned(thresholds, outcome: problem.outcome(of: thresholds))
  }

  func thresholds(for problem: TuningProblem, allowed: Int) -> [Float] {
    guard problem.items > 0, !problem.ramps.isEmpty else { return Array(repeating: 0, count: problem.ramps.count) }
    var climb = GreedyClimb(problem)
    var steps = [Float](repeating: initialStep, count: problem.ramps.count)
    var smallest = false
    while true {
      if let (ramp, rise) = bestRise(of: climb, by: steps, allowed: allowed) {
        climb.apply(rise, at: ramp)
        steps[ramp] *= 2
      } else if smallest {
        return climb.thresholds
      } else {
        for ramp in steps.indices { steps[ramp] = max(steps[ramp] / 2, smallestStep) }
        smallest = steps.allSatisfy { $0 <= smallestStep }
      }
    }
  }

  /// The rise with the most extra saving per extra disagreement; those without extra disagreement come first. A rise that
  /// passes no item is taken only when no other is left: there may be items behind the gap.
  private func bestRise(of climb: GreedyClimb, by steps: [Float], allowed: Int) -> (ramp: Int, rise: GreedyClimb.Rise)?
  {
    var best: (ramp: Int, rise: GreedyClimb.Rise)?
    for ramp in steps.indices where climb.thresholds[ramp] < 1 {
      let rise = climb.rise(of: ramp, to: min(1, climb.thresholds[ramp] + steps[ramp]))
      guard rise.saving > 0 || rise.passed.isEmpty, climb.disagreements + rise.disagreements <= allowed else {
        continue
      }
      if best.map({ rise.isBetter(than: $0.rise) }) ?? true { best = (ramp, rise) }
    }
    return best
  }
}

/// Where the paper's hill climbing stands: thresholds, and where each recorded item leaves under them.
private struct GreedyClimb {
  /// What raising one threshold changes.
  struct Rise {
    let threshold: Float
    let saving: Int64
    let disagreements: Int
    /// The positions in the ramp's order that the rise passes.
    let passed: Range<Int>

    /// A rise without disagreements is worth more than any with them.
    func isBetter(than other: Rise) -> Bool {
      if saving == 0 || other.saving == 0 { return saving > other.saving }
      return switch (disagreements > 0, other.disagreements > 0) {
      case (false, true): true
      case (true, false): false
      case (false, false): saving > other.saving
      case (true, true): Double(saving) / Double(disagreements) > Double(other.saving) / Double(other.disagreements)
      }
    }
  }

  let problem: TuningProblem
  var thresholds: [Float]
  var disagreements = 0
  /// For each item the index of the ramp where it leaves, or the number of ramps for the final head.
  private var exits: [Int]
  /// For each ramp how many items score below its threshold.
  private var positions: [Int]

  init(_ problem: TuningProblem) {
    self.problem = problem
    thresholds = Array(repeating: 0, count: problem.ramps.count)
    positions = Array(repeating: 0, count: problem.ramps.count)
    exits = Array(repeating: problem.ramps.count, count: problem.items)
  }

  func rise(of ramp: Int, to threshold: Float) -> Rise {
    let items = problem.items
    let base = ramp * items
    var saving: Int64 = 0
    var change = 0
    var position = positions[ramp]
    while position < items {
      let item = Int(problem.order[base + position])
      guard problem.scores[base + item] < threshold else { break }
      let exit = exits[item]
      if exit > ramp {
        saving += problem.savings[base + item]
        change += problem.disagrees[base + item] ? 1 : 0
        if exit < problem.ramps.count {
          saving -= problem.savings[exit * items + item]
          change -= problem.disagrees[exit * items + item] ? 1 : 0
        }
      }
      position += 1
    }
    return Rise(
      threshold: threshold, saving: saving, disagreements: change, passed: positions[ramp]..<position)
  }

  mutating func apply(_ rise: Rise, at ramp: Int) {
    for position in rise.passed {
      let item = Int(problem.order[ramp * problem.items + position])
      exits[item] = min(exits[item], ramp)
    }
    thresholds[ramp] = rise.threshold
    positions[ramp] = rise.passed.upperBound
    disagreements += rise.disagreements
  }
}
