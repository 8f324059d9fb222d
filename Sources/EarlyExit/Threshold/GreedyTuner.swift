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
    let columns = RampColumns(problem)
    var exits = ItemExits(columns)
    return climb(&exits, columns, allowed: allowed)
  }

  /// From thresholds of zero to where they end.
  func climb(_ exits: inout ItemExits, _ columns: borrowing RampColumns, allowed: Int) -> [Float] {
    var thresholds = [Float](repeating: 0, count: columns.ramps)
    var steps = [Float](repeating: initialStep, count: columns.ramps)
    var smallest = false
    while true {
      if let rise = bestRise(from: thresholds, by: steps, exits, columns, allowed: allowed) {
        exits.raise(rise.ramp, to: rise.position, columns)
        thresholds[rise.ramp] = rise.threshold
        steps[rise.ramp] *= 2
      } else if smallest {
        return thresholds
      } else {
        for ramp in steps.indices { steps[ramp] = max(steps[ramp] / 2, smallestStep) }
        smallest = steps.allSatisfy { $0 <= smallestStep }
      }
    }
  }

  /// The rise with the most extra saving per extra disagreement; those without extra disagreement come first. A rise that
  /// passes no item is taken only when no other is left: there may be items behind the gap.
  private func bestRise(
    from thresholds: [Float], by steps: [Float], _ exits: borrowing ItemExits, _ columns: borrowing RampColumns,
    allowed: Int
  ) -> Rise? {
    var best: Rise?
    for ramp in 0..<columns.ramps where thresholds[ramp] < 1 {
      let rise = Rise(of: ramp, to: min(1, thresholds[ramp] + steps[ramp]), exits, columns)
      guard rise.saving > 0 || rise.position == exits.positions[ramp],
        exits.outcome.disagreements + rise.disagreements <= allowed
      else { continue }
      if best.map({ rise.isBetter(than: $0) }) ?? true { best = rise }
    }
    return best
  }

  /// What raising one threshold changes.
  private struct Rise {
    let ramp: Int
    let threshold: Float
    /// Where the threshold is then.
    let position: Int
    let saving: Int64
    let disagreements: Int

    init(of ramp: Int, to threshold: Float, _ exits: borrowing ItemExits, _ columns: borrowing RampColumns) {
      let base = ramp * columns.items
      let (scores, order) = (columns.scores.elements, columns.order.elements)
      let (savings, wrong) = (columns.savings.elements, columns.wrong.elements)
      let (itemExits, itemSavings, itemWrong) = (exits.exits.elements, exits.savings.elements, exits.wrong.elements)
      let end = base + columns.items
      var saving: Int64 = 0
      var disagreements: Int32 = 0
      var place = base + exits.positions[ramp]
      while place < end, scores[place] < threshold {
        let item = Int(order[place])
        if itemExits[item] > Int32(ramp) {
          saving &+= savings[place] &- itemSavings[item]
          disagreements &+= wrong[place] &- itemWrong[item]
        }
        place += 1
      }
      self.ramp = ramp
      self.threshold = threshold
      position = place - base
      self.saving = saving
      self.disagreements = Int(disagreements)
    }

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
}
