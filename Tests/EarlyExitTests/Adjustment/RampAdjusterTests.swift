import Testing

@testable import EarlyExit

@Suite struct RampAdjusterTests {
  /// Items that leave at one of three sites of nine or run to the end, in the given numbers.
  private func situation(
    leaving: [Int: Int], ramps: [Int], items: Int = 100, rampCost: Double = 4e-5, immature: Set<Int> = []
  ) throws -> RampAdjuster.Situation {
    let profile = try LatencyProfile.even(sites: 9, rampCost: rampCost)
    var stream = Stream(sites: 9)
    let exits = leaving.sorted { $0.key < $1.key }.flatMap { Array(repeating: $0.key, count: $0.value) }
    for item in 0..<items {
      let left = item < exits.count ? exits[item] : 9
      stream.scores.append((0..<9).map { ramps.contains($0) ? ($0 >= left ? 0.1 : 0.9) : .nan })
      stream.agrees.append(Array(repeating: true, count: 9))
    }
    let window = try stream.window()
    let policy = ramps.map { ExitPolicy.Exit(ramp: RampID($0), threshold: immature.contains($0) ? 0 : 0.5) }
    return RampAdjuster.Situation(
      exits: policy, utilities: RampUtilities(of: policy, window: window, slots: window.slots(), profile: profile),
      mature: ramps.map { !immature.contains($0) }, window: window, slots: window.slots(), profile: profile,
      budget: 0.02)
  }

  private func ramps(_ sites: Int...) -> [RampID] { sites.map { RampID($0) } }

  @Test func aRampThatDoesNotPayGivesItsPlaceToTheMostPromisingSite() throws {
    var adjuster = RampAdjuster()
    // Nothing leaves at 2, so nothing would have left before it; what left at 5 might have left at 3 or 4.
    let next = adjuster.adjusted(try situation(leaving: [5: 60, 7: 20], ramps: [2, 5, 7]))
    #expect(!next.contains(RampID(2)))
    #expect(next == ramps(3, 5, 7))
    #expect(adjuster.trial == RampAdjuster.Trial(ramp: RampID(3), replaced: nil, worth: 0))
  }

  @Test func anImmatureRampIsLeftAlone() throws {
    var adjuster = RampAdjuster()
    #expect(
      adjuster.adjusted(try situation(leaving: [5: 60], ramps: [2, 5], immature: [2])) == ramps(2, 5))
  }

  @Test func aTrialThatDoesNotPayIsRevertedAndRests() throws {
    var adjuster = RampAdjuster()
    // All pay; budget is left: a ramp before the best one is tried.
    let tried = adjuster.adjusted(try situation(leaving: [3: 60, 6: 20], ramps: [3, 6]))
    #expect(tried == ramps(2, 3, 6))
    #expect(adjuster.adjusted(try situation(leaving: [3: 60, 6: 20], ramps: [2, 3, 6], immature: [2])) == tried)
    let reverted = adjuster.adjusted(try situation(leaving: [3: 60, 6: 20], ramps: [2, 3, 6]))
    #expect(reverted == ramps(3, 6))
    // Not again at once.
    let next = adjuster.adjusted(try situation(leaving: [3: 60, 6: 20], ramps: [3, 6]))
    #expect(!next.contains(RampID(2)))
  }

  @Test func aTrialThatPaysStays() throws {
    var adjuster = RampAdjuster()
    _ = adjuster.adjusted(try situation(leaving: [3: 60, 6: 20], ramps: [3, 6]))
    let next = adjuster.adjusted(try situation(leaving: [2: 50, 3: 10, 6: 20], ramps: [2, 3, 6]))
    #expect(Set(next).isSuperset(of: ramps(2, 3, 6)))
  }

  @Test func withoutBudgetTheLeastUsefulRampMovesTowardsTheInput() throws {
    var adjuster = RampAdjuster()
    // Two ramps of 0.9 % each.
    let next = adjuster.adjusted(try situation(leaving: [3: 60, 6: 20], ramps: [3, 6], rampCost: 9e-5))
    #expect(next == ramps(3, 5))
    #expect(adjuster.trial?.replaced == RampID(6))
    // Worth less than the one it replaced: back.
    let reverted = adjuster.adjusted(try situation(leaving: [3: 60, 5: 2], ramps: [3, 5], rampCost: 9e-5))
    #expect(reverted == ramps(3, 6))
  }

  @Test func shadowObservationsReplaceBounds() throws {
    var situation = try situation(leaving: [5: 60, 7: 20], ramps: [2, 5, 7])
    // Site 3 was looked at: nothing would leave there; nobody knows of 4.
    var stream = Stream(sites: 9)
    for slot in situation.slots.reversed() {
      var (scores, agrees) = situation.window.item(slot: slot)
      scores[3] = 0.95
      stream.scores.append(scores)
      stream.agrees.append(agrees)
    }
    let window = try stream.window()
    situation = RampAdjuster.Situation(
      exits: situation.exits, utilities: situation.utilities, mature: situation.mature, window: window,
      slots: window.slots(), profile: situation.profile, budget: 0.02)
    var adjuster = RampAdjuster()
    #expect(adjuster.adjusted(situation) == ramps(4, 5, 7))
  }
}
