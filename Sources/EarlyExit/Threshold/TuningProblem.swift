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
  /// Ramp-major: the items by ascending score. Of equal scores, which must be taken together, those that disagree
  /// come first. Empty unless asked for: whoever only evaluates thresholds has no need of it.
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
    let sizes = Set(slots.map { window.batchSizes[$0] }).sorted()
    let latencies = sizes.map { costs.latencies(batchSize: Int($0)) }
    // A sum over 2²⁴ items stays below 2⁶².
    let unit = (latencies.map(\.final).max() ?? 1) / Double(1 << 36)
    var scores = [Float](repeating: .infinity, count: ramps.count * items)
    var disagrees = [Bool](repeating: false, count: ramps.count * items)
    var savings = [Int64](repeating: 0, count: ramps.count * items)
    var overhead = 0.0
    for (size, latency) in zip(sizes, latencies) {
      let members = slots.indices.filter { window.batchSizes[slots[$0]] == size }
      overhead += Double(members.count) * latency.overhead
      for ramp in ramps.indices {
        let saving = Int64(((latency.final - latency.atRamp[ramp]) / unit).rounded())
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
    self.unit = unit
    self.scores = scores
    self.disagrees = disagrees
    self.savings = savings
    self.overhead = overhead
    var order: [Int32] = []
    if sorted {
      order.reserveCapacity(scores.count)
      var sorting = ScoreOrder(items: items)
      for ramp in ramps.indices {
        let row = ramp * items..<(ramp + 1) * items
        sorting.append(scores.span.extracting(row), disagrees.span.extracting(row), to: &order)
      }
    }
    self.order = order
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
