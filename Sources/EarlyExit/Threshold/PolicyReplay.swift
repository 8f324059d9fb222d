/// What a policy would have done with recorded items: where each would have left, when, and whether it would have disagreed.
///
/// Needs no inference: scores, agreement and latencies were measured. Items at which some ramp of the policy was not observed
/// are left out.
public struct PolicyReplay: Sendable, Equatable {
  public let items: Int
  public let disagreements: Int
  /// The share of items that leaves at each exit of the policy.
  public let exitRates: [Double]
  /// Each item's latency in seconds, the newest item first, from the start of its batch to its answer.
  public let latencies: [Double]
  /// Seconds per item, against the model without any ramp.
  public let meanSaving: Double

  /// - Parameter exits: in ascending order, sites of the profile.
  public init(
    of exits: [ExitPolicy.Exit], on window: ObservationWindow, part: WindowPart = .all, newest: Int = .max,
    profile: LatencyProfile
  ) {
    let ramps = exits.map(\.ramp)
    let slots = window.complete(window.slots(of: part, newest: newest), for: ramps)
    let costs = RampLatencies(profile: profile, ramps: ramps)
    var known: [Int32: RampLatencies.Latencies] = [:]
    var leaving = [Int](repeating: 0, count: exits.count)
    var wrong = 0
    var latencies: [Double] = []
    latencies.reserveCapacity(slots.count)
    var saving = 0.0
    for slot in slots {
      let batch = window.batchSizes[slot]
      let cost = known[batch] ?? costs.latencies(batchSize: Int(batch))
      known[batch] = cost
      let exit = exits.firstIndex { $0.releases(window.scores[$0.ramp.rawValue * window.capacity + slot]) }
      if let exit {
        leaving[exit] += 1
        wrong += window.agrees[ramps[exit].rawValue * window.capacity + slot] ? 0 : 1
      }
      latencies.append(exit.map { cost.atRamp[$0] } ?? cost.final)
      saving += cost.vanilla - latencies[latencies.count - 1]
    }
    items = slots.count
    disagreements = wrong
    exitRates = leaving.map { Double($0) / Double(max(1, slots.count)) }
    self.latencies = latencies
    meanSaving = saving / Double(max(1, slots.count))
  }

  /// The latency below which a share of the items gets its answer, in seconds; 0 without items.
  public func latency(quantile: Double) -> Double {
    guard !latencies.isEmpty else { return 0 }
    let place = Int(quantile * Double(latencies.count))
    return latencies.sorted()[min(latencies.count - 1, max(0, place))]
  }
}
