/// Decides which ramps run: drops those that cost more than they save, and tries others. Design §4, paper §3.3.
///
/// A value without side effects: what it remembers is what it tried. It never proposes ramps over the budget.
struct RampAdjuster: Sendable, Equatable {
  /// What is known when a round is due.
  struct Situation {
    /// The active ramps and their thresholds, tuned just now.
    let exits: [ExitPolicy.Exit]
    /// In the order of `exits`.
    let utilities: RampUtilities
    /// In the order of `exits`: whether thresholds were tuned on enough observations of this ramp.
    let mature: [Bool]
    let window: ObservationWindow
    /// The items of the period.
    let slots: [Int]
    let profile: LatencyProfile
    let budget: Double
  }

  /// A ramp that runs on trial.
  struct Trial: Sendable, Equatable {
    let ramp: RampID
    /// The ramp it took the place of and what that one was worth, in seconds per item.
    let replaced: RampID?
    let worth: Double
  }

  /// Sites that were tried and did not pay, how often, and for how many rounds they are left alone.
  struct Rest: Sendable, Equatable {
    let site: RampID
    var failures: Int
    var rounds: Int
  }

  private(set) var trial: Trial?
  private(set) var rests: [Rest] = []

  init() {}

  init(trial: Trial?, rests: [Rest]) {
    self.trial = trial
    self.rests = rests
  }

  /// The ramps to run from now on, in ascending order.
  mutating func adjusted(_ situation: Situation) -> [RampID] {
    let ramps = situation.exits.map(\.ramp)
    for index in rests.indices { rests[index].rounds = max(0, rests[index].rounds - 1) }
    if let current = trial {
      guard let index = ramps.firstIndex(of: current.ramp) else {
        trial = nil
        return ramps
      }
      // Until there are thresholds for it, a trial has no way to pay.
      guard situation.mature[index] else { return ramps }
      trial = nil
      let worth = situation.utilities.perItem[index]
      if worth <= current.worth { return reverted(current, in: ramps, situation) }
      rests.removeAll { $0.site == current.ramp }
    }
    let negative = ramps.indices.filter { situation.mature[$0] && situation.utilities.perItem[$0] < 0 }
    // One at a time: what left at one negative ramp may make its neighbour pay.
    guard let worst = negative.min(by: { situation.utilities.perItem[$0] < situation.utilities.perItem[$1] }) else {
      return probing(situation)
    }
    return replacing([worst], situation)
  }

  /// Without the trial ramp, and with the one it took the place of.
  private mutating func reverted(_ failed: Trial, in ramps: [RampID], _ situation: Situation) -> [RampID] {
    rest(failed.ramp)
    var kept = ramps.filter { $0 != failed.ramp }
    if let replaced = failed.replaced, !kept.contains(replaced) { kept.append(replaced) }
    kept.sort()
    return situation.profile.admits(kept, budget: situation.budget) ? kept : kept.filter { $0 != failed.replaced }
  }

  private mutating func rest(_ site: RampID) {
    if let index = rests.firstIndex(where: { $0.site == site }) {
      rests[index].failures += 1
      rests[index].rounds = 4 << min(rests[index].failures, 8)
    } else {
      rests.append(Rest(site: site, failures: 1, rounds: 8))
    }
  }

  private func isResting(_ site: RampID) -> Bool { rests.contains { $0.site == site && $0.rounds > 0 } }

  // MARK: Negative utilities

  /// Drops the ramps at `negative` and, in their place, tries the candidate that could be worth the most.
  private mutating func replacing(_ negative: [Int], _ situation: Situation) -> [RampID] {
    let ramps = situation.exits.map(\.ramp)
    let kept = ramps.indices.filter { !negative.contains($0) }.map { ramps[$0] }
    for index in negative { rest(ramps[index]) }
    let best = candidates(replacing: negative, situation)
      .filter { situation.profile.admits(kept + [$0.site], budget: situation.budget) }
      .max { $0.worth != $1.worth ? $0.worth < $1.worth : $0.site > $1.site }
    guard let best, best.worth > 0 else { return kept }
    trial = Trial(ramp: best.site, replaced: nil, worth: 0)
    return (kept + [best.site]).sorted()
  }

  /// Sites between the remaining neighbours of the dropped ramps, each with the most it could be worth in seconds per item.
  ///
  /// At best, every item that left at the next later ramp, dropped ones included, had left here; where the site was observed
  /// by shadow evaluation, no more than the share that scored below that ramp's threshold.
  private func candidates(
    replacing negative: [Int], _ situation: Situation
  ) -> [(site: RampID, worth: Double)] {
    let ramps = situation.exits.map(\.ramp)
    let kept = ramps.indices.filter { !negative.contains($0) }.map { ramps[$0] }
    let free = (0..<situation.profile.sites).map { RampID($0) }.filter { site in
      guard !ramps.contains(site), !isResting(site) else { return false }
      let before = kept.last { $0 < site }
      let after = kept.first { $0 > site }
      return negative.contains { index in
        (before.map { $0 < ramps[index] } ?? true) && (after.map { ramps[index] < $0 } ?? true)
      }
    }
    return free.map { ($0, mostWorth(of: $0, situation)) }
  }

  private func mostWorth(of site: RampID, _ situation: Situation) -> Double {
    let exits = situation.exits
    let next = exits.firstIndex { $0.ramp > site }
    let latency = situation.profile.latency(batchSize: typicalBatch(situation))
    let bound = next.map { situation.utilities.exitRates[$0] } ?? remaining(situation.utilities)
    let rate = min(bound, observedRate(of: site, under: next.map { exits[$0].threshold }, situation) ?? bound)
    let later = next.map { latency.untilSite[exits[$0].ramp.rawValue] } ?? latency.total
    let passing = 1 - zip(exits, situation.utilities.exitRates).filter { $0.0.ramp < site }.map(\.1).reduce(0, +)
    return rate * (later - latency.untilSite[site.rawValue]) - passing * latency.rampCost[site.rawValue]
  }

  private func remaining(_ utilities: RampUtilities) -> Double { max(0, 1 - utilities.exitRates.reduce(0, +)) }

  private func typicalBatch(_ situation: Situation) -> Int {
    let sizes = situation.slots.map { situation.window.batchSizes[$0] }.sorted()
    return sizes.isEmpty ? 1 : Int(sizes[sizes.count / 2])
  }

  /// The share of shadow observations below a threshold and agreeing; nil with fewer than 32 of them.
  private func observedRate(of site: RampID, under threshold: Float?, _ situation: Situation) -> Double? {
    guard let threshold else { return nil }
    let window = situation.window
    let row = site.rawValue * window.capacity
    let observed = window.slots().filter { !window.scores[row + $0].isNaN }
    guard observed.count >= 32 else { return nil }
    let leaving = observed.count { window.scores[row + $0] < threshold && window.agrees[row + $0] }
    return Double(leaving) / Double(observed.count)
  }

  // MARK: Probing

  /// All ramps pay. With budget left, a ramp right before the one worth most; without, the one worth least moves
  /// one site towards the input.
  private mutating func probing(_ situation: Situation) -> [RampID] {
    let ramps = situation.exits.map(\.ramp)
    // A ramp that waits for its first thresholds is a trial in all but name.
    guard !ramps.isEmpty, situation.mature.allSatisfy(\.self) else { return ramps }
    let worth = situation.utilities.perItem
    let most = worth.indices.max { worth[$0] < worth[$1] } ?? 0
    if let site = freeSite(before: ramps[most], ramps),
      situation.profile.admits(ramps + [site], budget: situation.budget)
    {
      trial = Trial(ramp: site, replaced: nil, worth: 0)
      return (ramps + [site]).sorted()
    }
    let least = worth.indices.min { worth[$0] < worth[$1] } ?? 0
    guard let site = freeSite(before: ramps[least], ramps) else { return ramps }
    let moved = (ramps.filter { $0 != ramps[least] } + [site]).sorted()
    guard situation.profile.admits(moved, budget: situation.budget) else { return ramps }
    trial = Trial(ramp: site, replaced: ramps[least], worth: worth[least])
    return moved
  }

  /// The site right before a ramp, unless it is taken or resting.
  private func freeSite(before ramp: RampID, _ ramps: [RampID]) -> RampID? {
    guard ramp.rawValue > 0 else { return nil }
    let site = RampID(ramp.rawValue - 1)
    return ramps.contains(site) || isResting(site) ? nil : site
  }

  // MARK: State

  func write(to state: inout StateWriter) {
    state.write(trial) { state, trial in
      state.write(trial.ramp)
      state.write(trial.replaced) { $0.write($1) }
      state.write(trial.worth)
    }
    state.write(rests) { state, rest in
      state.write(rest.site)
      state.write(UInt32(clamping: rest.failures))
      state.write(UInt32(clamping: rest.rounds))
    }
  }

  mutating func read(from state: inout StateReader, sites: Int) throws(EarlyExitError) {
    trial = try state.optional { state throws(EarlyExitError) in
      Trial(
        ramp: try state.ramp(sites: sites),
        replaced: try state.optional { state throws(EarlyExitError) in try state.ramp(sites: sites) },
        worth: try state.finite())
    }
    rests = try state.array { state throws(EarlyExitError) in
      Rest(
        site: try state.ramp(sites: sites), failures: Int(try state.integer(UInt32.self)),
        rounds: Int(try state.integer(UInt32.self)))
    }
  }
}
