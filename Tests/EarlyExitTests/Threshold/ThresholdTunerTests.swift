import Testing

@testable import EarlyExit

@Suite struct ThresholdTunerTests {
  private static let seeds = Array(UInt64(1)...12)

  private func problem(
    items: Int, sites: Int, seed: UInt64, coarse: Bool = false, profile: LatencyProfile? = nil
  ) throws -> TuningProblem {
    var stream = Stream.synthetic(items: items, sites: sites, seed: seed)
    // Coarse scores are full of ties.
    if coarse { stream.scores = stream.scores.map { $0.map { ($0 * 8).rounded() / 8 } } }
    let window = try stream.window()
    return TuningProblem(
      window: window, slots: window.slots(), ramps: (0..<sites).map { RampID($0) },
      profile: try profile ?? .even(sites: sites))
  }

  /// Every combination of observed scores, without any of the reasoning that tuners rely on.
  private func bruteForce(_ problem: TuningProblem, allowed: Int) -> Int64 {
    let candidates = problem.ramps.indices.map { ramp in
      [0] + Set((0..<problem.items).map { problem.scores[ramp * problem.items + $0].nextUp }).sorted()
    }
    var best: Int64 = 0
    func visit(_ thresholds: [Float]) {
      guard thresholds.count < candidates.count else {
        let outcome = problem.outcome(of: thresholds)
        if outcome.disagreements <= allowed { best = max(best, outcome.saving) }
        return
      }
      for threshold in candidates[thresholds.count] { visit(thresholds + [threshold]) }
    }
    visit([])
    return best
  }

  @Test(arguments: seeds) func theExhaustiveTunerFindsWhatTryingEverythingFinds(seed: UInt64) throws {
    for (sites, items) in [(1, 40), (2, 24), (3, 12)] {
      for coarse in [false, true] {
        let problem = try problem(items: items, sites: sites, seed: seed, coarse: coarse)
        for allowed in 0...3 {
          let found = try ExhaustiveTuner().best(for: problem, allowed: allowed)
          #expect(
            found.outcome.saving == bruteForce(problem, allowed: allowed),
            "\(sites) ramps, \(items) items, \(allowed) disagreements, coarse: \(coarse)")
        }
      }
    }
  }

  @Test(arguments: seeds) func savesNearlyAsMuchAsTheOptimumAndNeverLessThanThePapers(seed: UInt64) throws {
    for (items, sites, allowed) in [(60, 4, 2), (256, 8, 2), (200, 3, 8), (120, 5, 4)] {
      for coarse in [false, true] {
        let problem = try problem(items: items, sites: sites, seed: seed, coarse: coarse)
        let ours = ThresholdTuner().best(for: problem, allowed: allowed).outcome
        let best = try ExhaustiveTuner().best(for: problem, allowed: allowed).outcome
        let greedy = problem.outcome(of: GreedyTuner().thresholds(for: problem, allowed: allowed))
        #expect(ours.saving >= greedy.saving)
        #expect(ours.saving <= best.saving)
        #expect(
          Double(ours.saving) >= 0.995 * Double(best.saving),
          "\(ours.saving) of \(best.saving): \(items) items, \(sites) ramps, \(allowed) disagreements")
      }
    }
  }

  @Test(arguments: seeds) func noTunerBreaksTheConstraint(seed: UInt64) throws {
    let window = try Stream.synthetic(items: 300, sites: 6, seed: seed).window()
    let ramps = [0, 1, 3, 5].map { RampID($0) }
    let profile = try LatencyProfile.even(sites: 6)
    for accuracy in [1, 0.99, 0.95, 0.5, 0] {
      let constraint = try AccuracyConstraint(accuracy)
      let allowed = constraint.allowedDisagreements(in: 300)
      for tuned in [
        GreedyTuner().tuned(for: window, ramps: ramps, profile: profile, under: constraint),
        ThresholdTuner().tuned(for: window, ramps: ramps, profile: profile, under: constraint),
      ] {
        #expect(tuned.disagreements <= allowed, "at \(accuracy)")
        #expect(tuned.exits.map(\.ramp) == ramps)
        let replay = PolicyReplay(of: tuned.exits, on: window, profile: profile)
        #expect(replay.disagreements == tuned.disagreements)
        #expect(abs(replay.meanSaving - tuned.meanSaving) < 1e-9)
      }
    }
  }

  @Test(arguments: seeds) func theOrderOfItemsMakesNoDifference(seed: UInt64) throws {
    let stream = Stream.synthetic(items: 200, sites: 5, seed: seed)
    var random = SplitMix(seed: seed &+ 99)
    let ramps = (0..<5).map { RampID($0) }
    let profile = try LatencyProfile.even(sites: 5)
    let constraint = try AccuracyConstraint(0.98)
    let reference = ThresholdTuner().tuned(for: try stream.window(), ramps: ramps, profile: profile, under: constraint)
    for _ in 0..<3 {
      let permuted = stream.permuted(by: (0..<200).shuffled(using: &random))
      let tuned = ThresholdTuner().tuned(for: try permuted.window(), ramps: ramps, profile: profile, under: constraint)
      #expect(tuned == reference)
    }
  }

  @Test func itemsWithoutObservationsAtARampAreLeftOut() throws {
    var stream = Stream.synthetic(items: 100, sites: 2, seed: 5)
    for item in 0..<40 { stream.scores[item][1] = .nan }
    let window = try stream.window()
    let profile = try LatencyProfile.even(sites: 2)
    let both = ThresholdTuner().tuned(
      for: window, ramps: [RampID(0), RampID(1)], profile: profile, under: .standard)
    let first = ThresholdTuner().tuned(for: window, ramps: [RampID(0)], profile: profile, under: .standard)
    #expect(both.items == 60)
    #expect(first.items == 100)
  }

  @Test func infiniteScoresNeverLeave() throws {
    var stream = Stream.synthetic(items: 50, sites: 1, disagreement: 0, seed: 6)
    for item in 0..<10 { stream.scores[item][0] = .infinity }
    let tuned = ThresholdTuner().tuned(
      for: try stream.window(), ramps: [RampID(0)], profile: try .even(sites: 1), under: .standard)
    #expect(tuned.exits[0].threshold.isFinite)
    let replay = PolicyReplay(of: tuned.exits, on: try stream.window(), profile: try .even(sites: 1))
    #expect(replay.exitRates == [0.8])
  }

  @Test func nothingToTuneGivesNoExits() throws {
    let empty = try ObservationWindow(sites: 2, capacity: 4)
    let profile = try LatencyProfile.even(sites: 2)
    let tuned = ThresholdTuner().tuned(for: empty, ramps: [RampID(1)], profile: profile, under: .standard)
    #expect(tuned.exits == [ExitPolicy.Exit(ramp: RampID(1), threshold: 0)])
    let none = ThresholdTuner().tuned(
      for: try Stream.synthetic(items: 9, sites: 2, seed: 1).window(), ramps: [], profile: profile, under: .standard)
    #expect(none.exits.isEmpty)
  }

  @Test func theExhaustiveTunerRefusesWhatWouldNotEnd() throws {
    var tuner = ExhaustiveTuner()
    tuner.limit = 100
    let window = try Stream.synthetic(items: 300, sites: 6, seed: 3).window()
    #expect(throws: EarlyExitError.tooManyPolicies(ramps: 6, items: 300, limit: 100)) {
      try tuner.tuned(
        for: window, ramps: (0..<6).map { RampID($0) }, profile: .even(sites: 6), under: AccuracyConstraint(0.95))
    }
  }

  @Test func theGreedyTunerTakesThePapersSteps() throws {
    // One ramp, scores 0.05, 0.25, 0.35 …, the last of them wrong: 0 → 0.1 → 0.3, then 0.7 is too much, also 0.5; halved
    // steps reach what is right.
    let scores: [Float] = [0.05, 0.25, 0.35, 0.45]
    let stream = Stream(sites: 1, scores: scores.map { [$0] }, agrees: [[true], [true], [true], [false]])
    let tuned = GreedyTuner().tuned(
      for: try stream.window(), ramps: [RampID(0)], profile: try .even(sites: 1), under: .standard)
    #expect(tuned.disagreements == 0)
    #expect(tuned.exits[0].threshold > 0.35 && tuned.exits[0].threshold <= 0.45)
  }
}
