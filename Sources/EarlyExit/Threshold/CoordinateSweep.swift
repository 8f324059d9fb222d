/// Improves thresholds one ramp at a time, each time exactly.
///
/// With the other thresholds fixed, raising one ramp's threshold over its sorted scores changes saving and disagreements
/// by one item at a time, so one sweep sees every threshold that makes a difference and the best one within the
/// constraint is exact. O(items) per ramp.
enum CoordinateSweep {
  /// Sweeps over all ramps until none can be improved. Never worse than what it started from, provided that was within
  /// the constraint.
  static func polish(_ exits: inout ItemExits, _ columns: borrowing RampColumns, allowed: Int) {
    // Every improvement saves more than the one before, so it ends.
    var ramp = 0
    var unimproved = 0
    while unimproved < columns.ramps {
      unimproved = improve(ramp, &exits, columns, allowed: allowed) ? 1 : unimproved + 1
      ramp = ramp + 1 < columns.ramps ? ramp + 1 : 0
    }
  }

  /// Moves one threshold to its best position with all others as they are, if that is better than where it is.
  private static func improve(
    _ ramp: Int, _ exits: inout ItemExits, _ columns: borrowing RampColumns, allowed: Int
  ) -> Bool {
    let (position, current) = (exits.positions[ramp], exits.outcome)
    exits.close(ramp, columns)
    let best = best(of: ramp, exits, columns, allowed: allowed)
    let improves = best.map { $0.outcome.isBetter(than: current) } ?? false
    exits.raise(ramp, to: improves ? best?.position ?? position : position, columns)
    return improves
  }

  /// The best position of a ramp that is closed; nil when none is within the constraint.
  private static func best(
    of ramp: Int, _ exits: borrowing ItemExits, _ columns: borrowing RampColumns, allowed: Int
  ) -> (position: Int, outcome: TuningOutcome)? {
    let base = ramp * columns.items
    let finite = columns.finite[ramp]
    var outcome = exits.outcome
    var best = outcome.disagreements <= allowed ? (position: 0, outcome: outcome) : nil
    var place = 0
    while place < finite {
      let score = columns.scores.elements[base + place]
      var changes = false
      // Equal scores leave together.
      repeat {
        let item = Int(columns.order.elements[base + place])
        if exits.exits.elements[item] > Int32(ramp) {
          changes = true
          outcome.saving += columns.savings.elements[base + place] - exits.savings.elements[item]
          outcome.disagreements += Int(columns.wrong.elements[base + place] - exits.wrong.elements[item])
        }
        place += 1
      } while place < finite && columns.scores.elements[base + place] == score
      guard changes, outcome.disagreements <= allowed else { continue }
      if best.map({ outcome.isBetter(than: $0.outcome) }) ?? true { best = (place, outcome) }
    }
    return best
  }
}
