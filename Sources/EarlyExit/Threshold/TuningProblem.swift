/// Recorded observations laid out for choosing thresholds: per ramp the items by ascending score, what leaving there
/// saves, and whether it disagrees.
///
/// Savings are whole numbers, so that sums do not depend on the order of items. A saving is how much earlier than the
/// final head the answer is there, with all these ramps active; it never grows from one ramp to the next, so the earliest
/// exit is always the best one that agrees.
struct TuningProblem: Sendable {
  let ramps: [RampID]
  let items: Int
  /// Ramp-major, `[ramp * items + item]`; infinite where an answer is never released.
  let scores: [Float]
  /// As ``scores``: the answer is not the model's own.
  let disagrees: [Bool]
  /// As ``scores``: what an item saves by leaving there, in ``unit``.
  let savings: [Int64]
  /// Ramp-major: the items by ascending score. Ties are in no particular order and must be taken together. Empty unless asked
  /// for: whoever only evaluates thresholds has no need of it.
  let order: [Int32]
  /// Seconds per unit of saving.
  let unit: Double
  /// What the ramps add to an item that runs to the end, summed over all items, in seconds.
  let overhead: Double

  /// - Parameters:
  ///   - slots: slots of the window at which all `ramps` were observed.
  ///   - ramps: in ascending order, sites of the profile.
  init(window: ObservationWindow, slots: [Int], ramps: [RampID], profile: LatencyProfile, sorted: Bool = true) {
    self.ramps = ramps
    items = slots.count
    let costs = RampLatencies(profile: profile, ramps: ramps)
    let classes = Dictionary(grouping: slots.indices) { window.batchSizes[slots[$0]] }
      .sorted { $0.key < $1.key }
      .map { (members: $0.value, latencies: costs.latencies(batchSize: Int($0.key))) }
    // A sum over 2²⁴ items stays below 2⁶².
    unit = (classes.map(\.latencies.final).max() ?? 1) / Double(1 << 36)
    var scores = [Float](repeating: .infinity, count: ramps.count * items)
    var disagrees = [Bool](repeating: false, count: ramps.count * items)
    var savings = [Int64](repeating: 0, count: ramps.count * items)
    var overhead = 0.0
    for (members, latencies) in classes {
      overhead += Double(members.count) * latencies.overhead
      for ramp in ramps.indices {
        let saving = Int64(((latencies.final - latencies.atRamp[ramp]) / unit).rounded())
        for item in members { savings[ramp * items + item] = saving }
      }
    }
    for (index, ramp) in ramps.enumerated() {
      let row = ramp.rawValue * window.capacity
      for (item, slot) in slots.enumerated() {
        let score = window.scores[row + slot]
        scores[index * items + item] = score.isNaN ? .infinity : max(0, score)
        disagrees[index * items + item] = !window.agrees[row + slot]
      }
    }
    self.scores = scores
    self.disagrees = disagrees
    self.savings = savings
    self.overhead = overhead
    order = sorted ? Self.order(of: scores, ramps: ramps.count, items: items) : []
  }

  /// Non-negative floats sort as their bits do: one sort of integers per ramp, the item in the low half.
  private static func order(of scores: [Float], ramps: Int, items: Int) -> [Int32] {
    var order: [Int32] = []
    order.reserveCapacity(ramps * items)
    var keys = [UInt64](repeating: 0, count: items)
    for ramp in 0..<ramps {
      for item in 0..<items {
        keys[item] = UInt64(scores[ramp * items + item].bitPattern) << 32 | UInt64(item)
      }
      keys.sort()
      for key in keys { order.append(Int32(truncatingIfNeeded: key & 0xFFFF_FFFF)) }
    }
    return order
  }

  /// What these thresholds do on the recorded items.
  func outcome(of thresholds: [Float]) -> TuningOutcome {
    var outcome = TuningOutcome(saving: 0, disagreements: 0)
    for item in 0..<items {
      for ramp in ramps.indices where scores[ramp * items + item] < thresholds[ramp] {
        outcome.saving += savings[ramp * items + item]
        outcome.disagreements += disagrees[ramp * items + item] ? 1 : 0
        break
      }
    }
    return outcome
  }

  /// The lowest thresholds that release the same items at the same ramps: just above the largest score that left there.
  ///
  /// What was released only because nothing was left to be released is no evidence for a high threshold.
  func tightened(_ thresholds: [Float]) -> [Float] {
    var tight = [Float](repeating: 0, count: ramps.count)
    for item in 0..<items {
      for ramp in ramps.indices where scores[ramp * items + item] < thresholds[ramp] {
        tight[ramp] = max(tight[ramp], scores[ramp * items + item].nextUp)
        break
      }
    }
    return tight
  }

  /// The thresholds as a policy with what it did here.
  func tuned(_ thresholds: [Float], outcome: TuningOutcome) -> TunedPolicy {
    TunedPolicy(
      exits: zip(ramps, thresholds).map { ExitPolicy.Exit(ramp: $0, threshold: $1) },
      items: items, disagreements: outcome.disagreements,
      meanSaving: items == 0 ? 0 : (Double(outcome.saving) * unit - overhead) / Double(items))
  }
}

/// What thresholds did on recorded items.
struct TuningOutcome: Equatable, Sendable {
  /// In the problem's unit.
  var saving: Int64
  var disagreements: Int

  /// More saved, or as much with fewer disagreements.
  func isBetter(than other: TuningOutcome) -> Bool {
    saving != other.saving ? saving > other.saving : disagreements < other.disagreements
  }
}
