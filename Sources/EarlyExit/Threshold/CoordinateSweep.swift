/// Improves thresholds one ramp at a time, each time exactly.
///
/// With the other thresholds fixed, raising one ramp's threshold over its sorted scores changes saving and disagreements
/// by one item at a time, so one sweep sees every threshold that makes a difference and the best one within the
/// constraint is exact. O(ramps × items) per sweep.
struct CoordinateSweep {
  let problem: TuningProblem
  let allowed: Int

  /// Sweeps over all ramps until none can be improved. Never worse than what it started from, provided that was within
  /// the constraint.
  func polished(_ start: [Float]) -> (thresholds: [Float], outcome: TuningOutcome) {
    var thresholds = start
    var outcome = problem.outcome(of: start)
    // Every round saves more than the one before, so it ends; the bound is for the reader.
    for _ in 0..<(problem.items * max(1, problem.ramps.count) + 1) {
      var improved = false
      for ramp in problem.ramps.indices {
        guard let (threshold, better) = best(of: ramp, in: thresholds, outcome), better.isBetter(than: outcome) else {
          continue
        }
        thresholds[ramp] = threshold
        outcome = better
        improved = true
      }
      guard improved else { break }
    }
    return (thresholds, outcome)
  }

  /// The best threshold of one ramp with all others as they are; nil when none is within the constraint.
  private func best(
    of ramp: Int, in thresholds: [Float], _ current: TuningOutcome
  ) -> (threshold: Float, outcome: TuningOutcome)? {
    let items = problem.items
    let base = ramp * items
    let elsewhere = exits(without: ramp, thresholds)
    var outcome = TuningOutcome(saving: 0, disagreements: 0)
    for item in 0..<items where elsewhere[item] < problem.ramps.count {
      outcome.saving += problem.savings[elsewhere[item] * items + item]
      outcome.disagreements += problem.disagrees[elsewhere[item] * items + item] ? 1 : 0
    }
    var best = outcome.disagreements <= allowed ? (threshold: Float(0), outcome: outcome) : nil
    var position = 0
    while position < items {
      let score = problem.scores[base + Int(problem.order[base + position])]
      guard score < .infinity else { break }
      var changed = false
      repeat {
        let item = Int(problem.order[base + position])
        let exit = elsewhere[item]
        if exit > ramp {
          changed = true
          outcome.saving += problem.savings[base + item]
          outcome.disagreements += problem.disagrees[base + item] ? 1 : 0
          if exit < problem.ramps.count {
            outcome.saving -= problem.savings[exit * items + item]
            outcome.disagreements -= problem.disagrees[exit * items + item] ? 1 : 0
          }
        }
        position += 1
      } while position < items && problem.scores[base + Int(problem.order[base + position])] == score
      guard changed, outcome.disagreements <= allowed else { continue }
      if best.map({ outcome.isBetter(than: $0.outcome) }) ?? true { best = (score.nextUp, outcome) }
    }
    return best
  }

  /// Where each item leaves when one ramp releases nothing: the index of a ramp, or their number for the final head.
  private func exits(without ramp: Int, _ thresholds: [Float]) -> [Int] {
    let items = problem.items
    var exits = [Int](repeating: problem.ramps.count, count: items)
    for other in problem.ramps.indices.reversed() where other != ramp && thresholds[other] > 0 {
      for item in 0..<items where problem.scores[other * items + item] < thresholds[other] { exits[item] = other }
    }
    return exits
  }
}
