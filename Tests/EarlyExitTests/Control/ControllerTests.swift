import Testing

@testable import EarlyExit

@Suite struct ControllerTests {
  private func options(_ guarantee: Guarantee) -> ControllerOptions {
    var options = ControllerOptions()
    options.guarantee = guarantee
    return options
  }

  @Test(arguments: Guarantee.allCases) func itemsLeaveOnceThereIsEvidence(guarantee: Guarantee) throws {
    var controller = try Controller(profile: .even(sites: 4), options: options(guarantee))
    #expect(!controller.policy.releasesAnything)
    _ = try controller.serve(.synthetic(items: 4000, sites: 4, seed: 1))
    #expect(controller.policy.releasesAnything)
    #expect(controller.status.exitRate > 0.2)
    #expect(controller.status.agreement >= (guarantee == .window ? 0.97 : 0.99))
  }

  @Test(arguments: Guarantee.allCases) func theSameAnswersGiveTheSamePolicies(guarantee: Guarantee) throws {
    let stream = Stream.synthetic(items: 3000, sites: 5, seed: 2)
    var first = try Controller(profile: .even(sites: 5), options: options(guarantee))
    var second = try Controller(profile: .even(sites: 5), options: options(guarantee))
    let policies = try first.serve(stream)
    #expect(!policies.isEmpty)
    #expect(try policies == second.serve(stream))
  }

  @Test(arguments: Guarantee.allCases) func noPolicyBreaksTheBudgetAndVersionsGrow(guarantee: Guarantee) throws {
    for (seed, cost) in [(UInt64(1), 2e-5), (2, 7e-5), (3, 3e-4)] {
      let profile = try LatencyProfile.even(sites: 9, rampCost: cost)
      var controller = try Controller(profile: profile, options: options(guarantee))
      #expect(profile.admits(controller.policy.ramps, budget: 0.02))
      let stream = Stream.synthetic(items: 3000, sites: 9, disagreement: 0.15, signal: 0.9, seed: seed)
      var version = controller.policy.version
      for policy in try controller.serve(stream) {
        #expect(profile.admits(policy.ramps, budget: 0.02), "\(policy.ramps) at \(cost) s each")
        #expect(policy.version == version + 1)
        version = policy.version
      }
    }
  }

  /// Items in the two parts change places among themselves only: which part an item is in is fixed by its number.
  @Test func theOrderWithinAPartMakesNoDifference() throws {
    let stream = Stream.synthetic(items: 2048, sites: 4, disagreement: 0.1, seed: 3)
    var random = SplitMix(seed: 5)
    var order = Array(0..<2048)
    for part in [WindowPart.tuning, .certification] {
      let members = order.filter { part.contains(UInt64($0)) }
      for (place, item) in zip(members, members.shuffled(using: &random)) { order[place] = item }
    }
    var policies: [ExitPolicy] = []
    for stream in [stream, stream.permuted(by: order)] {
      var controller = try Controller(profile: .even(sites: 4))
      try controller.learn(from: stream.window())
      let updated = controller.update()
      policies.append(try #require(updated))
    }
    #expect(policies[0].releasesAnything)
    #expect(policies[0] == policies[1])
  }

  @Test(arguments: [Guarantee.certified, .bounded]) func uselessRampsAreSwitchedOff(guarantee: Guarantee) throws {
    var controller = try Controller(profile: .even(sites: 4), options: options(guarantee))
    // What ramps say has nothing to do with what the model says: a third of the answers agree.
    var random = SplitMix(seed: 6)
    var useless = Stream.synthetic(items: 4000, sites: 4, seed: 6)
    useless.agrees = useless.agrees.map { $0.map { _ in random.unit() < 0.33 } }
    // Evidence from better days makes it worse.
    try controller.learn(from: Stream.synthetic(items: 2000, sites: 4, disagreement: 0.05, seed: 7).window())
    _ = controller.update()
    #expect(controller.policy.releasesAnything)
    _ = try controller.serve(useless)
    #expect(!controller.policy.releasesAnything)
    #expect(controller.status.agreement >= 0.99)
    #expect(controller.status.alarms >= 1)
    #expect(controller.status.exitRate < 0.01)
  }

  @Test(arguments: [Guarantee.certified, .bounded]) func anAbruptShiftEndsThePolicyAndExitsComeBack(
    guarantee: Guarantee
  ) throws {
    var controller = try Controller(profile: .even(sites: 4), options: options(guarantee))
    _ = try controller.serve(.synthetic(items: 3000, sites: 4, disagreement: 0.02, seed: 8))
    #expect(controller.policy.releasesAnything)
    let before = controller.status.disagreements
    let harder = Stream.synthetic(items: 5000, sites: 4, disagreement: 0.5, signal: 0.95, seed: 9)
    let policies = try controller.serve(harder)
    if guarantee == .certified { #expect(policies.contains { !$0.releasesAnything }) }
    #expect(controller.policy.releasesAnything)
    #expect(controller.status.disagreements - before <= 50)
    guard case .drift(_, let since) = controller.status.lastAlarm else {
      Issue.record("no alarm at a shift")
      return
    }
    #expect(since >= 2500)
  }

  @Test func exactAnswersDoNotCount() throws {
    var controller = try Controller(profile: .even(sites: 1))
    let (scores, agrees): ([Float], [Bool]) = ([0.5], [true])
    for _ in 0..<10 {
      try controller.record(
        scores: scores.span, agrees: agrees.span, exit: .final, batchSize: 1, exitsAllowed: false)
    }
    #expect(controller.status.answers == 10)
    #expect(controller.ledger.balance == controller.ledger.capacity)
    #expect(controller.status.windowItems == 10)
  }

  @Test func thePapersTriggerTunesWhenTheLastAnswersFallShort() throws {
    var options = ControllerOptions.paper
    options.tuningPeriod = 1_000_000
    options.adjustmentPeriod = 0
    var controller = try Controller(profile: .even(sites: 2), options: options)
    try controller.learn(from: Stream.synthetic(items: 512, sites: 2, disagreement: 0, seed: 1).window())
    let updated = controller.update()
    let first = try #require(updated)
    #expect(first.releasesAnything)
    let (scores, wrong): ([Float], [Bool]) = ([0, 0], [false, false])
    let exit = ExitPosition.ramp(first.ramps[0])
    try controller.record(scores: scores.span, agrees: wrong.span, exit: exit, batchSize: 1)
    #expect(controller.isUpdateDue)
    _ = controller.update()
    #expect(controller.status.lastAlarm == .belowConstraint(at: 513))
  }

  @Test func wrongObservationsChangeNothing() throws {
    var controller = try Controller(profile: .even(sites: 2))
    let (scores, agrees): ([Float], [Bool]) = ([0.1], [true])
    let before = controller.status
    #expect(throws: EarlyExitError.self) {
      try controller.record(scores: scores.span, agrees: agrees.span, exit: .final, batchSize: 1)
    }
    #expect(controller.status == before)
  }

  @Test func optionsAreChecked() throws {
    let profile = try LatencyProfile.even(sites: 2)
    let changes: [(inout ControllerOptions) -> Void] = [
      { $0.rampBudget = -0.1 }, { $0.windowCapacity = 3 }, { $0.tuningPeriod = 0 }, { $0.delta = 0 },
      { $0.boundedItems = 1 }, { $0.boundedExcess = 0 }, { $0.horizon = .nan }, { $0.alarmSpacing = 0 },
      { $0.triggerItems = 0 }, { $0.adjustmentPeriod = -1 },
    ]
    for change in changes {
      var options = ControllerOptions()
      change(&options)
      #expect(throws: EarlyExitError.self) { try Controller(profile: profile, options: options) }
    }
    #expect(throws: EarlyExitError.unknownRamp(ramp: RampID(2), sites: 2)) {
      try Controller(profile: profile, initialRamps: [RampID(2)])
    }
    #expect(throws: EarlyExitError.unorderedRamps(before: RampID(1), after: RampID(0))) {
      try Controller(profile: profile, initialRamps: [RampID(1), RampID(0)])
    }
    #expect(throws: EarlyExitError.self) {
      try Controller(profile: .even(sites: 2, rampCost: 1e-3), initialRamps: [RampID(0)])
    }
  }
}
