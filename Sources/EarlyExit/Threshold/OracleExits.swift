/// The best that early exits could do: every item leaves at the first ramp whose answer is the model's own.
///
/// No policy can know that; it is what others are measured against. Ramps cost nothing here, for an oracle needs no more than
/// the one it uses.
public struct OracleExits: Sendable, Equatable {
  /// Each item's latency in seconds, the newest item first.
  public let latencies: [Double]
  /// The share of items that leaves at each of the ramps.
  public let exitRates: [Double]
  /// Seconds per item, against the model without any ramp.
  public let meanSaving: Double

  /// - Parameter ramps: sites of the profile in ascending order.
  public init(
    on window: ObservationWindow, ramps: [RampID], part: WindowPart = .all, newest: Int = .max, profile: LatencyProfile
  ) {
    let slots = window.complete(window.slots(of: part, newest: newest), for: ramps)
    var known: [Int32: LatencyProfile.BatchLatency] = [:]
    var leaving = [Int](repeating: 0, count: ramps.count)
    var latencies: [Double] = []
    var saving = 0.0
    for slot in slots {
      let batch = window.batchSizes[slot]
      let latency = known[batch] ?? profile.latency(batchSize: Int(batch))
      known[batch] = latency
      let exit = ramps.firstIndex { window.agrees[$0.rawValue * window.capacity + slot] }
      if let exit { leaving[exit] += 1 }
      latencies.append(exit.map { latency.untilSite[ramps[$0].rawValue] } ?? latency.total)
      saving += latency.total - latencies[latencies.count - 1]
    }
    self.latencies = latencies
    exitRates = leaving.map { Double($0) / Double(max(1, slots.count)) }
    meanSaving = saving / Double(max(1, slots.count))
  }

  /// The latency below which a share of the items gets its answer, in seconds; 0 without items.
  public func latency(quantile: Double) -> Double {
    guard !latencies.isEmpty else { return 0 }
    return latencies.sorted()[min(latencies.count - 1, max(0, Int(quantile * Double(latencies.count))))]
  }
}
