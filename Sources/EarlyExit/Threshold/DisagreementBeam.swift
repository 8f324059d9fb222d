/// Chooses thresholds from the input to the output, spending the tolerated disagreements ramp by ramp.
///
/// Raising a threshold past answers that agree saves more and disagrees no more, whatever the other thresholds are. So an
/// optimal threshold stands right before an answer that disagrees, among the items that are left by then, and a policy is
/// fully said by how many disagreements it spends at each ramp. Every way of spending them in that order is a path through
/// ramps × spent; this search keeps, at each ramp and for each number spent, the `width` most promising prefixes. With
/// unlimited width it is exhaustive (``ExhaustiveTuner``).
///
/// One walk over a ramp's sorted scores finds all continuations of one prefix:
/// O(ramps × (allowed + 1) × width × items) in all.
struct DisagreementBeam {
  let problem: TuningProblem
  let width: Int

  /// A prefix of a policy: thresholds up to one ramp.
  private struct Prefix {
    /// Index into the survivors of the ramp before.
    let parent: Int
    /// How many positions of this ramp's order are below the threshold.
    let position: Int
    let spent: Int
    let saving: Int64
    /// ``saving``, and what the items that have not left would save at later ramps under the reference thresholds.
    let promise: Int64

    /// A total order that does not depend on the order of items.
    static func isBetter(_ left: Prefix, _ right: Prefix) -> Bool {
      if left.promise != right.promise { return left.promise > right.promise }
      if left.saving != right.saving { return left.saving > right.saving }
      return left.position != right.position ? left.position < right.position : left.parent < right.parent
    }
  }

  /// For 0, 1, … `allowed` disagreements spent the best thresholds found, or nil where no policy spends exactly as many.
  ///
  /// - Parameter reference: thresholds that say what the items not yet left are worth, for instance the greedy ones.
  func bestBySpent(allowed: Int, reference: [Float]) -> [(thresholds: [Float], outcome: TuningOutcome)?] {
    let ramps = problem.ramps.count
    var layers: [[Prefix]] = []
    var survivors = [Prefix(parent: 0, position: 0, spent: 0, saving: 0, promise: 0)]
    /// `left[prefix * items + item]`: the item has left at an earlier ramp.
    var left = [Bool](repeating: false, count: problem.items)
    for ramp in 0..<ramps {
      let worth = worthAfter(ramp, under: reference)
      let next = continuations(of: survivors, left: left, at: ramp, worth: worth, allowed: allowed)
      left = leaving(next, left: left, at: ramp)
      survivors = next
      layers.append(next)
    }
    var best = [(thresholds: [Float], outcome: TuningOutcome)?](repeating: nil, count: allowed + 1)
    for (index, prefix) in survivors.enumerated() where (best[prefix.spent]?.outcome.saving ?? -1) < prefix.saving {
      let outcome = TuningOutcome(saving: prefix.saving, disagreements: prefix.spent)
      best[prefix.spent] = (thresholds(of: index, in: layers), outcome)
    }
    return best
  }

  /// What each item would save at the ramps behind `ramp`.
  private func worthAfter(_ ramp: Int, under reference: [Float]) -> [Int64] {
    let items = problem.items
    return (0..<items).map { item in
      for later in (ramp + 1)..<max(ramp + 1, problem.ramps.count)
      where problem.scores[later * items + item] < reference[later] {
        return problem.savings[later * items + item]
      }
      return 0
    }
  }

  private func continuations(
    of prefixes: [Prefix], left: [Bool], at ramp: Int, worth: [Int64], allowed: Int
  ) -> [Prefix] {
    var found = [[Prefix]](repeating: [], count: allowed + 1)
    for (index, prefix) in prefixes.enumerated() {
      walk(prefix, at: index, left: left, ramp: ramp, worth: worth, allowed: allowed) { found[$0.spent].append($0) }
    }
    var kept: [Prefix] = []
    for candidates in found {
      var taken = 0
      var previous: Prefix?
      for candidate in candidates.sorted(by: Prefix.isBetter) where taken < width {
        // The same sums nearly always mean the same items: a second copy of them would only take another's place.
        if let previous, previous.promise == candidate.promise, previous.saving == candidate.saving { continue }
        kept.append(candidate)
        previous = candidate
        taken += 1
      }
    }
    return kept
  }

  /// Raises the ramp's threshold over the items that are left, and reports the prefix before each disagreement.
  private func walk(
    _ prefix: Prefix, at index: Int, left: [Bool], ramp: Int, worth: [Int64], allowed: Int, report: (Prefix) -> Void
  ) {
    let items = problem.items
    let order = problem.order.span.extracting(ramp * items..<(ramp + 1) * items)
    let scores = problem.scores.span.extracting(ramp * items..<(ramp + 1) * items)
    let savings = problem.savings.span.extracting(ramp * items..<(ramp + 1) * items)
    let disagrees = problem.disagrees.span.extracting(ramp * items..<(ramp + 1) * items)
    let left = left.span.extracting(index * items..<(index + 1) * items)
    let worth = worth.span
    var saving = prefix.saving
    var promise = prefix.saving
    for item in 0..<items where !left[item] { promise += worth[item] }
    var spent = prefix.spent
    var position = 0
    func here() -> Prefix {
      Prefix(parent: index, position: position, spent: spent, saving: saving, promise: promise)
    }
    while position < items {
      let score = scores[Int(order[position])]
      guard score < .infinity else { break }
      // Equal scores leave together.
      var end = position
      var extraSaving: Int64 = 0
      var extraPromise: Int64 = 0
      var extraSpent = 0
      repeat {
        let item = Int(order[end])
        if !left[item] {
          extraSaving += savings[item]
          extraPromise += savings[item] - worth[item]
          extraSpent += disagrees[item] ? 1 : 0
        }
        end += 1
      } while end < items && scores[Int(order[end])] == score
      if extraSpent > 0 {
        report(here())
        guard spent + extraSpent <= allowed else { return }
      }
      saving += extraSaving
      promise += extraPromise
      spent += extraSpent
      position = end
    }
    report(here())
  }

  /// Which items have left after `ramp`, for each of its prefixes.
  private func leaving(_ prefixes: [Prefix], left: [Bool], at ramp: Int) -> [Bool] {
    let items = problem.items
    var next: [Bool] = []
    next.reserveCapacity(prefixes.count * items)
    for (index, prefix) in prefixes.enumerated() {
      next.append(contentsOf: left[prefix.parent * items..<(prefix.parent + 1) * items])
      for position in 0..<prefix.position {
        next[index * items + Int(problem.order[ramp * items + position])] = true
      }
    }
    return next
  }

  private func thresholds(of index: Int, in layers: [[Prefix]]) -> [Float] {
    var thresholds = [Float](repeating: 0, count: layers.count)
    var index = index
    for ramp in layers.indices.reversed() {
      let prefix = layers[ramp][index]
      if prefix.position > 0 {
        let last = Int(problem.order[ramp * problem.items + prefix.position - 1])
        thresholds[ramp] = problem.scores[ramp * problem.items + last].nextUp
      }
      index = prefix.parent
    }
    return thresholds
  }
}
