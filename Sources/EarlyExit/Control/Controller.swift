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

  /// What was tuned and certified; in force unless the ledger stops exits.
  private(set) var target: [ExitPolicy.Exit]
  private(set) var window: ObservationWindow
  private(set) var ledger: DisagreementLedger
  private(set) var detector: DriftDetector
  private(set) var counters = Counters()
  /// Policies from conservative to bold that were tuned before the last alarm: later items had no part in them.
  private(set) var inherited: [[ExitPolicy.Exit]] = []
  private(set) var lastPath: [[ExitPolicy.Exit]] = []
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
    ledger = try DisagreementLedger(constraint: options.accuracy, capacity: options.ledgerCapacity)
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

  // MARK: Deciding

  /// Whether ``update()`` has anything to do. O(1).
  public var isUpdateDue: Bool {
    counters.sinceTuning >= currentTuningPeriod || isAdjustmentDue || isAlarmed
      || (options.guarantee == .certified && policy.releasesAnything != mayRelease)
  }

  private var isAdjustmentDue: Bool {
    options.adjustmentPeriod > 0 && counters.sinceAdjustment >= options.adjustmentPeriod
  }

  private var isAlarmed: Bool {
    switch options.guarantee {
    case .certified: counters.pendingChange != nil
    case .window:
      policy.releasesAnything && counters.sinceTuning >= 1
        && counters.lastDisagreements.isBelow(options.accuracy, last: options.triggerItems)
    }
  }

  private var mayRelease: Bool { ledger.mayRelease && target.contains { $0.threshold > 0 } }

  /// While nothing may leave, evidence is looked at twice as often.
  private var currentTuningPeriod: Int {
    target.contains { $0.threshold > 0 } ? options.tuningPeriod : max(1, options.tuningPeriod / 2)
  }

  /// Does what is due, and returns the new policy when it differs from the one in force.
  public mutating func update() -> ExitPolicy? {
    if isAlarmed { respondToAlarm() }
    if counters.sinceTuning >= currentTuningPeriod { tune() }
    return publish()
  }

  private mutating func respondToAlarm() {
    counters.alarms += 1
    switch options.guarantee {
    case .window:
      counters.lastAlarm = .belowConstraint(at: window.recorded)
      counters.lastDisagreements = RecentAnswers()
      tune()
    case .certified:
      let change = counters.pendingChange ?? window.recorded
      counters.pendingChange = nil
      counters.lastAlarm = .drift(at: window.recorded, since: change)
      window.removeAll(before: change)
      inherited = lastPath
      target = target.map { ExitPolicy.Exit(ramp: $0.ramp, threshold: 0) }
      detector.reset()
    }
  }

  /// Chooses thresholds anew from the window; what was in force before does not matter.
  private mutating func tune() {
    counters.sinceTuning = 0
    let ramps = target.map(\.ramp)
    let exits = options.guarantee == .certified ? certified(ramps) : tunedOnWindow(ramps)
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
    func problem(_ part: WindowPart) -> TuningProblem {
      TuningProblem(
        window: window, slots: window.complete(window.slots(of: part), for: ramps), ramps: ramps, profile: profile)
    }
    let path = CertificationPath(tunedOn: problem(.tuning), constraint: options.accuracy, tuner: options.tuner)
    lastPath = path.policies.map { thresholds in
      zip(ramps, thresholds).map { ExitPolicy.Exit(ramp: $0, threshold: $1) }
    }
    guard let boldest = certifier.boldest(of: path.policies, on: problem(.certification)) else {
      return ramps.map { ExitPolicy.Exit(ramp: $0, threshold: 0) }
    }
    return lastPath[boldest]
  }

  private mutating func publish() -> ExitPolicy? {
    let released = options.guarantee == .window || ledger.mayRelease
    let exits = released ? target : target.map { ExitPolicy.Exit(ramp: $0.ramp, threshold: 0) }
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
        agreement: share(observed.count { window.agrees[row + $0] }, of: observed.count), utility: nil)
    }
    let answers = Int(counters.eligible)
    let disagreements = Int(counters.disagreements)
    return ControllerStatus(
      answers: counters.answers, disagreements: counters.disagreements,
      agreement: answers == 0 ? 1 : 1 - share(disagreements, of: answers),
      agreementInterval: (1 - Binomial.upperBound(successes: disagreements, of: answers, delta: 0.025))...(1
        - Binomial.lowerBound(successes: disagreements, of: answers, delta: 0.025)),
      ramps: ramps, exitRate: share(early, of: slots.count), windowItems: window.count,
      ledgerBalance: ledger.balance, isPaused: options.guarantee == .certified && !ledger.mayRelease,
      suspicion: detector.suspicion, lastAlarm: counters.lastAlarm, alarms: counters.alarms,
      policyVersion: policy.version)
  }

  private func share(_ part: Int, of whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
}
