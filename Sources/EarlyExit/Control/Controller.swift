/// Watches what ramps say and what the model says, and decides which ramps run and when items may leave.
///
/// A value driven by one thread: ``record(scores:agrees:exit:batchSize:exitsAllowed:)`` for each answer, in the order of
/// service, and now and then ``update()``, which does whatever is due (alarms, tuning, adjustment of ramps) and
/// returns a policy when another is to be in force. It reads no clock and draws no random numbers: the same calls give the same
/// policies. With nothing certified, nothing leaves.
///
/// What is guaranteed with ``Guarantee/certified``: at any time fixed beforehand the policy in force disagrees on new items with at most the
/// tolerated probability, with probability ≥ 1 − δ, as long as items are exchangeable. Each tuning round certifies anew and its
/// outcome replaces the last one, also when it certifies nothing; over many rounds a share of up to δ may be wrong. Where items
/// are not exchangeable this says nothing, and two others take over: ``DriftDetector`` ends a policy that has begun to disagree
/// and distrusts what was seen before the change; ``DisagreementLedger`` bounds the disagreements of released answers, always.
public struct Controller: Sendable {
  public let profile: LatencyProfile
  public let options: ControllerOptions
  /// The policy in force: the last one that ``update()`` returned, or the first one.
  public private(set) var policy: ExitPolicy

  /// What was tuned and certified; in force as far as the ledger allows.
  private(set) var target: [ExitPolicy.Exit]
  /// The ledger's factor in the policy in force.
  private(set) var throttle: Float = 1
  private(set) var window: ObservationWindow
  private(set) var ledger: DisagreementLedger
  private(set) var detector: DriftDetector
  private(set) var counters = Counters()
  /// Policies from conservative to bold that were tuned before the last alarm: later items had no part in them.
  private(set) var inherited: [[ExitPolicy.Exit]] = []
  private(set) var lastPath: [[ExitPolicy.Exit]] = []
  private(set) var adjuster = RampAdjuster()
  private(set) var utilities: [RampID: Double] = [:]
  private let certifier: Certifier

  struct Counters: Sendable, Equatable {
    var answers: UInt64 = 0
    var eligible: UInt64 = 0
    var disagreements: UInt64 = 0
    var sinceTuning = 0
    var sinceAdjustment = 0
    /// Whether each of the last answers was the model's own, the newest in the lowest bit.
    var lastDisagreements = RecentAnswers()
    var alarms: UInt64 = 0
    var lastAlarm: ControllerStatus.Alarm?
    /// An alarm that `update` has not yet acted on: the first item after the change.
    var pendingChange: UInt64?

    func write(to state: inout StateWriter) {
      state.write(answers)
      state.write(eligible)
      state.write(disagreements)
      state.write(UInt32(clamping: sinceTuning))
      state.write(UInt32(clamping: sinceAdjustment))
      lastDisagreements.write(to: &state)
      state.write(alarms)
      state.write(lastAlarm) { $0.write($1) }
      state.write(pendingChange) { $0.write($1) }
    }

    mutating func read(from state: inout StateReader) throws(EarlyExitError) {
      answers = try state.number()
      eligible = try state.number()
      disagreements = try state.number()
      guard disagreements <= eligible, eligible <= answers else {
        throw .damagedState(expected: "at most \(answers) answers", got: "\(eligible), \(disagreements) of them wrong")
      }
      sinceTuning = Int(try state.integer(UInt32.self))
      sinceAdjustment = Int(try state.integer(UInt32.self))
      try lastDisagreements.read(from: &state)
      alarms = try state.number()
      lastAlarm = try state.optional { state throws(EarlyExitError) in try state.alarm() }
      pendingChange = try state.optional { state throws(EarlyExitError) in try state.number() }
    }
  }

  /// - Parameter initialRamps: the ramps to begin with, in ascending order; by default as many as the budget admits,
  ///   evenly spaced over the model's latency.
  /// - Throws: ``EarlyExitError`` when an option is out of its range, or ramps do not exist, are unordered or over budget.
  public init(
    profile: LatencyProfile, options: ControllerOptions = ControllerOptions(), initialRamps: [RampID]? = nil
  ) throws(EarlyExitError) {
    try options.check()
    let ramps = initialRamps ?? StartingRamps.evenlySpaced(in: profile, budget: options.rampBudget)
    for ramp in ramps where !(0..<profile.sites).contains(ramp.rawValue) {
      throw .unknownRamp(ramp: ramp, sites: profile.sites)
    }
    guard profile.admits(ramps, budget: options.rampBudget) else {
      throw .invalidOption(
        name: "initial ramps", expected: "a slow-down of at most \(options.rampBudget)",
        got: "\(profile.slowdown(of: ramps))")
    }
    self.profile = profile
    self.options = options
    policy = try ExitPolicy(version: 1, exits: ramps.map { ExitPolicy.Exit(ramp: $0, threshold: 0) })
    target = policy.exits
    window = try ObservationWindow(sites: profile.sites, capacity: options.windowCapacity)
    ledger = try DisagreementLedger(constraint: options.accuracy, horizon: options.horizon)
    detector = try DriftDetector(constraint: options.accuracy, spacing: options.alarmSpacing)
    certifier = try Certifier(constraint: options.accuracy, delta: options.delta)
  }

  // MARK: Recording

  /// Books one answer. Allocates nothing; time proportional to the number of sites.
  ///
  /// - Parameters:
  ///   - scores: one error score per site; not a number where no ramp ran.
  ///   - agrees: one flag per site: the ramp's answer there is the model's own.
  ///   - exit: where the answer was released.
  ///   - batchSize: the size of the batch it ran in.
  ///   - exitsAllowed: false for a request that asked for an exact answer. It is observed like any other but does not
  ///     count as an answer that kept the constraint.
  /// - Throws: ``EarlyExitError/wrongObservation(expected:got:)``; nothing is changed then.
  public mutating func record(
    scores: Span<Float>, agrees: Span<Bool>, exit: ExitPosition, batchSize: Int, exitsAllowed: Bool = true
  ) throws(EarlyExitError) {
    let number = window.recorded
    try window.record(scores: scores, agrees: agrees, exit: exit, batchSize: batchSize)
    counters.answers += 1
    counters.sinceTuning += 1
    counters.sinceAdjustment += 1
    if exitsAllowed {
      var disagrees = false
      if case .ramp(let ramp) = exit { disagrees = !agrees[ramp.rawValue] }
      counters.eligible += 1
      counters.disagreements += disagrees ? 1 : 0
      counters.lastDisagreements.book(disagrees)
      ledger.book(disagrees: disagrees)
    }
    watch(scores, agrees, number)
  }

  /// Books what the target policy does with an item, released or not, so that the test goes on while exits are stopped.
  private mutating func watch(_ scores: Span<Float>, _ agrees: Span<Bool>, _ number: UInt64) {
    guard counters.pendingChange == nil else { return }
    var disagrees = false
    for index in target.indices where target[index].releases(scores[target[index].ramp.rawValue]) {
      disagrees = !agrees[target[index].ramp.rawValue]
      break
    }
    counters.pendingChange = detector.book(disagrees: disagrees, number: number)
  }

  /// Observes items that were not served, for instance those of the bootstrap set that ramps were validated on, so that
  /// items may leave from the start on. Thresholds are tuned at the next ``update()``.
  ///
  /// They count as evidence like any others, so they must not have been used to train the ramps. Where live items are unlike
  /// them, the certificate does not hold; the drift test and the ledger see to that, as they do at any shift.
  ///
  /// - Throws: ``EarlyExitError/wrongObservation(expected:got:)`` when the sites are not the model's.
  public mutating func learn(from evidence: ObservationWindow) throws(EarlyExitError) {
    guard evidence.sites == window.sites else {
      throw .wrongObservation(expected: "\(window.sites) sites", got: "\(evidence.sites)")
    }
    for slot in evidence.slots().reversed() {
      let (scores, agrees) = evidence.item(slot: slot)
      try window.record(
        scores: scores.span, agrees: agrees.span, exit: .final, batchSize: Int(evidence.batchSizes[slot]))
    }
    counters.sinceTuning = max(counters.sinceTuning, options.tuningPeriod)
  }

  // MARK: Deciding

  /// Whether ``update()`` has anything to do. O(1).
  public var isUpdateDue: Bool {
    counters.sinceTuning >= currentTuningPeriod || isAdjustmentDue || isAlarmed
      || (options.guarantee != .window && ledger.throttle != throttle && target.contains { $0.threshold > 0 })
  }

  private var isAdjustmentDue: Bool {
    options.adjustmentPeriod > 0 && counters.sinceAdjustment >= options.adjustmentPeriod
  }

  private var isAlarmed: Bool {
    switch options.guarantee {
    case .certified, .bounded: counters.pendingChange != nil
    case .window:
      policy.releasesAnything && counters.sinceTuning >= 1
        && counters.lastDisagreements.isBelow(options.accuracy, last: options.triggerItems)
    }
  }

  /// While nothing may leave, evidence is looked at twice as often.
  private var currentTuningPeriod: Int {
    target.contains { $0.threshold > 0 } ? options.tuningPeriod : max(1, options.tuningPeriod / 2)
  }

  /// Does what is due, and returns the new policy when it differs from the one in force.
  public mutating func update() -> ExitPolicy? {
    if isAlarmed { respondToAlarm() }
    if counters.sinceTuning >= currentTuningPeriod { tune() }
    if isAdjustmentDue { adjust() }
    return publish()
  }

  // MARK: Ramps

  /// How many adjustment periods a utility is taken over: one is 128 items, of which a single exit is 0.8 %.
  private static let utilityPeriods = 4

  /// One round of ramp adjustment. Paper §3.3, over the last few periods in place of one.
  private mutating func adjust() {
    let period = Self.utilityPeriods * options.adjustmentPeriod
    counters.sinceAdjustment = 0
    // Before anything may leave, and while the ledger holds exits back, every ramp seems to be of no use.
    guard target.contains(where: { $0.threshold > 0 }), options.guarantee == .window || ledger.throttle == 1 else {
      return
    }
    var situation = situation(period)
    if situation.utilities.perItem.contains(where: { $0 < 0 }), counters.sinceTuning > 0 {
      tune()
      guard target.contains(where: { $0.threshold > 0 }) else { return }
      situation = self.situation(period)
    }
    utilities = Dictionary(uniqueKeysWithValues: zip(target.map(\.ramp), situation.utilities.perItem))
    guard !situation.slots.isEmpty else { return }
    let ramps = adjuster.adjusted(situation)
    guard ramps != target.map(\.ramp) else { return }
    let thresholds = Dictionary(uniqueKeysWithValues: target.map { ($0.ramp, $0.threshold) })
    target = ramps.map { ExitPolicy.Exit(ramp: $0, threshold: thresholds[$0] ?? 0) }
    tune()
  }

  private func situation(_ period: Int) -> RampAdjuster.Situation {
    let slots = window.complete(window.slots(newest: period), for: target.map(\.ramp))
    let mature = matureRamps(of: target.map(\.ramp))
    return RampAdjuster.Situation(
      exits: target, utilities: RampUtilities(of: target, window: window, slots: slots, profile: profile),
      mature: target.map { mature.contains($0.ramp) }, window: window, slots: slots, profile: profile,
      budget: options.rampBudget)
  }

  /// The ramps whose thresholds are tuned: those observed nearly as often as the best observed one. Others keep a
  /// threshold of 0, so that a new ramp does not cost the others their evidence.
  private func matureRamps(of ramps: [RampID]) -> [RampID] {
    let slots = window.slots()
    let observed = ramps.map { ramp in
      slots.count { !window.scores[ramp.rawValue * window.capacity + $0].isNaN }
    }
    let enough =
      options.guarantee == .window ? options.tuningItems / 4 : min(2 * certifier.fewestItems, window.capacity / 2)
    let needed = min(enough, observed.max() ?? 0)
    return zip(ramps, observed).filter { $0.1 >= needed }.map(\.0)
  }

  private mutating func respondToAlarm() {
    counters.alarms += 1
    switch options.guarantee {
    case .window:
      counters.lastAlarm = .belowConstraint(at: window.recorded)
      counters.lastDisagreements = RecentAnswers()
      tune()
    case .certified, .bounded:
      let change = counters.pendingChange ?? window.recorded
      counters.pendingChange = nil
      counters.lastAlarm = .drift(at: window.recorded, since: change)
      detector.reset()
      // Bounded policies look at the newest items anyway, and the ledger has throttled them by now.
      guard options.guarantee == .certified else { return tune() }
      window.removeAll(before: change)
      inherited = lastPath
      target = target.map { ExitPolicy.Exit(ramp: $0.ramp, threshold: 0) }
    }
  }

  /// Chooses thresholds anew from the window; what was in force before does not matter.
  private mutating func tune() {
    counters.sinceTuning = 0
    let mature = matureRamps(of: target.map(\.ramp))
    let tuned = options.guarantee == .window ? tunedOnWindow(mature) : certified(mature)
    let thresholds = Dictionary(uniqueKeysWithValues: tuned.map { ($0.ramp, $0.threshold) })
    let exits = target.map { ExitPolicy.Exit(ramp: $0.ramp, threshold: thresholds[$0.ramp] ?? 0) }
    if exits != target {
      target = exits
      detector.reset()
    }
  }

  private func tunedOnWindow(_ ramps: [RampID]) -> [ExitPolicy.Exit] {
    switch options.tuner {
    case .greedy:
      GreedyTuner().tuned(
        for: window, newest: options.tuningItems, ramps: ramps, profile: profile, under: options.accuracy
      ).exits
    case .beam:
      ThresholdTuner().tuned(
        for: window, newest: options.tuningItems, ramps: ramps, profile: profile, under: options.accuracy
      ).exits
    }
  }

  private mutating func certified(_ ramps: [RampID]) -> [ExitPolicy.Exit] {
    func problem(_ part: WindowPart, sorted: Bool) -> TuningProblem {
      TuningProblem(
        window: window, slots: window.complete(window.slots(of: part), for: ramps), ramps: ramps, profile: profile,
        sorted: sorted)
    }
    let none = ramps.map { ExitPolicy.Exit(ramp: $0, threshold: 0) }
    let certification = problem(.certification, sorted: false)
    if options.guarantee == .certified, certification.items < certifier.fewestItems, !inherited.isEmpty {
      // What was tuned before the alarm had no part of the items after it, so all of them may certify it.
      let policies = inherited.map { exits in ramps.map { ramp in exits.first { $0.ramp == ramp }?.threshold ?? 0 } }
      return certifier.boldest(of: policies, on: problem(.all, sorted: false)).map { exits(policies[$0], at: ramps) }
        ?? none
    }
    let path = CertificationPath(
      tunedOn: problem(.tuning, sorted: true), constraint: options.accuracy, tuner: options.tuner)
    if options.guarantee == .bounded { return bounded(path, ramps) ?? none }
    lastPath = path.policies.map { exits($0, at: ramps) }
    return certifier.boldest(of: path.policies, on: certification).map { lastPath[$0] } ?? none
  }

  private func exits(_ thresholds: [Float], at ramps: [RampID]) -> [ExitPolicy.Exit] {
    zip(ramps, thresholds).map { ExitPolicy.Exit(ramp: $0, threshold: $1) }
  }

  /// The boldest policy that disagreed not much more than tolerated on the newest items, whatever part they are in: the path has
  /// one free number only, and the ledger bounds what comes of it.
  private func bounded(_ path: CertificationPath, _ ramps: [RampID]) -> [ExitPolicy.Exit]? {
    let slots = window.complete(window.slots(newest: options.boundedItems), for: ramps)
    guard slots.count >= options.boundedItems / 8 else { return nil }
    let newest = TuningProblem(window: window, slots: slots, ramps: ramps, profile: profile, sorted: false)
    let most = Int(options.boundedExcess * options.accuracy.toleratedDisagreement * Double(slots.count))
    return PolicyCounts.boldest(
      of: path.policies, on: newest, atMost: most, tolerated: options.accuracy.toleratedDisagreement
    ).map { exits(path.policies[$0], at: ramps) }
  }

  private mutating func publish() -> ExitPolicy? {
    throttle = options.guarantee == .window ? 1 : ledger.throttle
    let exits = target.map { ExitPolicy.Exit(ramp: $0.ramp, threshold: $0.threshold * throttle) }
    guard exits != policy.exits else { return nil }
    policy = ExitPolicy(version: policy.version + 1, validated: exits)
    return policy
  }

  // MARK: Looking in

  /// What a person wants to see. Linear in the window.
  public var status: ControllerStatus {
    let slots = window.slots()
    let early = slots.count { window.exit(slot: $0) != .final }
    let ramps = policy.exits.map { exit in
      let row = exit.ramp.rawValue * window.capacity
      let observed = slots.filter { !window.scores[row + $0].isNaN }
      return ControllerStatus.Ramp(
        ramp: exit.ramp, threshold: exit.threshold,
        exitRate: share(slots.count { window.exit(slot: $0) == .ramp(exit.ramp) }, of: slots.count),
        agreement: share(observed.count { window.agrees[row + $0] }, of: observed.count),
        utility: utilities[exit.ramp])
    }
    let answers = Int(counters.eligible)
    let disagreements = Int(counters.disagreements)
    return ControllerStatus(
      answers: counters.answers, disagreements: counters.disagreements,
      agreement: answers == 0 ? 1 : 1 - share(disagreements, of: answers),
      agreementInterval: (1 - Binomial.upperBound(successes: disagreements, of: answers, delta: 0.025))...(1
        - Binomial.lowerBound(successes: disagreements, of: answers, delta: 0.025)),
      ramps: ramps, exitRate: share(early, of: slots.count), windowItems: window.count,
      ledgerBalance: ledger.balance, isPaused: options.guarantee != .window && !ledger.mayRelease,
      suspicion: detector.suspicion, lastAlarm: counters.lastAlarm, alarms: counters.alarms,
      policyVersion: policy.version)
  }

  private func share(_ part: Int, of whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }

  // MARK: State

  func write(to state: inout StateWriter) {
    state.write(options.accuracy.minimumAgreement)
    state.write(options.delta)
    state.write(options.guarantee.rawValue)
    state.write(UInt32(profile.sites))
    state.write(policy.version)
    state.write(policy.exits)
    state.write(target)
    state.write(ledger.balance)
    state.write(ledger.mayRelease)
    detector.write(to: &state)
    counters.write(to: &state)
    state.write(lastPath) { $0.write($1) }
    state.write(inherited) { $0.write($1) }
    adjuster.write(to: &state)
    state.write(utilities.sorted { $0.key < $1.key }) { state, utility in
      state.write(utility.key)
      state.write(utility.value)
    }
    window.write(to: &state)
  }

  /// Takes over what was written; the receiver is as new.
  mutating func read(from state: inout StateReader) throws(EarlyExitError) {
    let accuracy = try state.finite()
    let delta = try state.finite()
    let guarantee = try state.text()
    let sites = Int(try state.integer(UInt32.self))
    guard sites == profile.sites else {
      throw .foreignState(expected: "\(profile.sites) sites", got: "\(sites) sites")
    }
    let version = try state.number()
    let published = try state.exits(sites: sites)
    let tuned = try state.exits(sites: sites)
    ledger.restore(balance: try state.finite(), mayRelease: try state.flag())
    try detector.read(from: &state)
    try counters.read(from: &state)
    lastPath = try state.array { state throws(EarlyExitError) in try state.exits(sites: sites) }
    inherited = try state.array { state throws(EarlyExitError) in try state.exits(sites: sites) }
    try adjuster.read(from: &state, sites: sites)
    let worth = try state.array { state throws(EarlyExitError) in (try state.ramp(sites: sites), try state.finite()) }
    utilities = Dictionary(worth) { _, later in later }
    try window.read(from: &state)

    let ramps = tuned.map(\.ramp)
    let admitted = profile.admits(ramps, budget: options.rampBudget) && published.map(\.ramp) == ramps
    let asBefore =
      accuracy == options.accuracy.minimumAgreement && delta == options.delta && guarantee == options.guarantee.rawValue
    if admitted { target = asBefore ? tuned : tuned.map { ExitPolicy.Exit(ramp: $0.ramp, threshold: 0) } }
    if !admitted || !asBefore {
      counters.sinceTuning = options.tuningPeriod
      counters.pendingChange = nil
      detector.reset()
    }
    throttle = options.guarantee == .window ? 1 : ledger.throttle
    policy = ExitPolicy(
      version: version &+ (admitted && asBefore ? 0 : 1), validated: admitted && asBefore ? published : target)
  }
}
