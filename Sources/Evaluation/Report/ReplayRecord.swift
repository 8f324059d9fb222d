import EarlyExit

/// All that a replay recorded: what a report is made of.
public struct ReplayRecord: Sendable {
  /// A place for a ramp, by its index.
  public struct Site: Sendable {
    public let name: String
    /// How much of the model's latency lies before it, 0 to 1.
    public let latencyShare: Double

    public init(name: String, latencyShare: Double) {
      self.name = name
      self.latencyShare = latencyShare
    }
  }

  public var setup: ReplayReport.Setup
  public var sites: [Site]
  public var profile: LatencyProfile
  /// Names and item ranges of the stream's files.
  public var parts: [(name: String, range: Range<Int>)]
  /// The same items in the same order.
  public var vanilla: [ServedItem]
  public var served: [ServedItem]
  /// Latencies with an oracle that lets each item leave at the first site that agrees, in milliseconds; may be empty.
  public var oracle: [Double]
  /// Every policy that was in force, by ascending version.
  public var policies: [ExitPolicy]
  /// Items a second when more are always waiting, in several rounds; may be empty.
  public var saturation: [(vanilla: Double, served: Double)] = []

  public init(
    setup: ReplayReport.Setup, sites: [Site], profile: LatencyProfile, parts: [(name: String, range: Range<Int>)],
    vanilla: [ServedItem], served: [ServedItem], oracle: [Double], policies: [ExitPolicy]
  ) {
    self.setup = setup
    self.sites = sites
    self.profile = profile
    self.parts = parts
    self.vanilla = vanilla
    self.served = served
    self.oracle = oracle
    self.policies = policies
  }

  /// How many stretches a report divides a stream into.
  private static let intervals = 60

  public func report() -> ReplayReport {
    let ramps = usedRamps()
    return ReplayReport(
      setup: setup, runs: runs(), agreement: agreement(of: served.indices), exitShare: exitShare(of: served.indices),
      parts: parts.map { part in
        ReplayReport.Part(
          name: part.name, agreement: agreement(of: part.range), exitShare: exitShare(of: part.range),
          vanilla: LatencySummary(vanilla[part.range].map(\.latencyMilliseconds)),
          latency: LatencySummary(served[part.range].map(\.latencyMilliseconds)))
      },
      ramps: ramps.map { ramp($0) }, intervals: intervals(ramps), policies: changes(ramps))
  }

  private func runs() -> [ReplayReport.Run] {
    func run(_ name: String, _ items: [ServedItem]) -> ReplayReport.Run {
      let latencies = items.map(\.latencyMilliseconds)
      let span = (items.map(\.released).max() ?? 0) - (items.map(\.arrival).min() ?? 0)
      return ReplayReport.Run(
        name: name, latency: LatencySummary(latencies), throughput: span > 0 ? Double(items.count) / span : 0,
        curve: LatencySummary.curve(latencies))
    }
    var runs = [run("vanilla", vanilla), run(setup.policy, served)]
    if !oracle.isEmpty {
      runs.append(
        ReplayReport.Run(
          name: "oracle", latency: LatencySummary(oracle), throughput: runs[0].throughput,
          curve: LatencySummary.curve(oracle)))
    }
    return runs
  }

  private func agrees(_ item: Int) -> Bool { served[item].answer == vanilla[item].answer }

  private func agreement(of range: Range<Int>) -> ReplayReport.Agreement {
    ReplayReport.Agreement(items: range.count, disagreements: range.count { !agrees($0) })
  }

  private func exitShare(of range: Range<Int>) -> Double {
    range.isEmpty ? 0 : Double(range.count { served[$0].exit != .final }) / Double(range.count)
  }

  private func usedRamps() -> [RampID] {
    var used = Set(policies.flatMap(\.ramps))
    for case .ramp(let ramp) in served.map(\.exit) { used.insert(ramp) }
    return used.sorted()
  }

  private func ramp(_ ramp: RampID) -> ReplayReport.Ramp {
    let active = Dictionary(policies.map { ($0.version, $0.ramps.contains(ramp)) }, uniquingKeysWith: { $1 })
    var (activeItems, exits, disagreements) = (0, 0, 0)
    var (saved, added) = (0.0, 0.0)
    for (index, item) in served.enumerated() {
      let isActive = active[item.policyVersion] ?? false
      activeItems += isActive ? 1 : 0
      if item.exit == .ramp(ramp) {
        exits += 1
        disagreements += agrees(index) ? 0 : 1
        saved += (item.ended - item.released) * 1e3
      } else if case .ramp(let other) = item.exit, other < ramp {
        continue
      } else if isActive {
        added += profile.latency(batchSize: item.batchSize).rampCost[ramp.rawValue] * 1e3
      }
    }
    return ReplayReport.Ramp(
      ramp: ramp.rawValue, site: sites[ramp.rawValue].name, latencyShare: sites[ramp.rawValue].latencyShare,
      activeItems: activeItems, exits: exits, disagreements: disagreements, savedMilliseconds: saved,
      addedMilliseconds: added, utilityMilliseconds: saved - added)
  }

  private func intervals(_ ramps: [RampID]) -> [ReplayReport.Interval] {
    let count = min(Self.intervals, served.count)
    return (0..<count).map { index in
      let range = (index * served.count / count)..<((index + 1) * served.count / count)
      let alone = agreement(of: range)
      return ReplayReport.Interval(
        firstItem: range.lowerBound, endItem: range.upperBound,
        exits: ramps.map { ramp in range.count { served[$0].exit == .ramp(ramp) } }
          + [range.count { served[$0].exit == .final }],
        vanillaMedian: LatencySummary(vanilla[range].map(\.latencyMilliseconds)).median,
        median: LatencySummary(served[range].map(\.latencyMilliseconds)).median, agreement: alone.share,
        agreementSoFar: agreement(of: 0..<range.upperBound))
    }
  }

  private func changes(_ ramps: [RampID]) -> [ReplayReport.PolicyChange] {
    let byVersion = Dictionary(policies.map { ($0.version, $0) }, uniquingKeysWith: { $1 })
    var changes: [ReplayReport.PolicyChange] = []
    for (index, item) in served.enumerated() where changes.last?.version != item.policyVersion {
      guard let policy = byVersion[item.policyVersion] else { continue }
      let thresholds = ramps.map { ramp in policy.exits.first { $0.ramp == ramp }.map { Double($0.threshold) } }
      changes.append(ReplayReport.PolicyChange(item: index, version: policy.version, thresholds: thresholds))
    }
    return changes
  }
}

extension ReplayReport.Agreement {
  init(items: Int, disagreements: Int) {
    self.items = items
    self.disagreements = disagreements
    share = items == 0 ? 1 : 1 - Double(disagreements) / Double(items)
    let bounds = ShareInterval(successes: items - disagreements, of: items, confidence: 0.95)
    low = bounds.low
    high = bounds.high
  }
}
