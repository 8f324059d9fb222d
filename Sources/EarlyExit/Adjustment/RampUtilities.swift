/// What each active ramp is worth over some recorded items: what its exits saved less what it cost. Design §4, paper §3.3.
///
/// Saved is the time between leaving here and where the item would have left without this ramp, found by replaying the policy on the
/// recorded scores; cost is the ramp's own time for each item that passed it. Both are in seconds, from measured latencies
/// at the batch sizes the items ran in.
struct RampUtilities: Sendable, Equatable {
  /// Seconds per item, in the order of the exits.
  let perItem: [Double]
  /// The share of the items that leaves at each exit.
  let exitRates: [Double]
  let items: Int

  /// - Parameter slots: slots of the window at which all `exits` were observed.
  init(of exits: [ExitPolicy.Exit], window: ObservationWindow, slots: [Int], profile: LatencyProfile) {
    items = slots.count
    var utilities = [Double](repeating: 0, count: exits.count)
    var leaving = [Int](repeating: 0, count: exits.count)
    let latencies = RampLatencies(profile: profile, ramps: exits.map(\.ramp))
    var costs: [Int32: (latencies: RampLatencies.Latencies, ramp: [Double])] = [:]
    for slot in slots {
      let batch = window.batchSizes[slot]
      let cost =
        costs[batch]
        ?? (
          latencies.latencies(batchSize: Int(batch)),
          exits.map { profile.latency(batchSize: Int(batch)).rampCost[$0.ramp.rawValue] }
        )
      costs[batch] = cost
      func leaves(at index: Int) -> Bool {
        exits[index].releases(window.scores[exits[index].ramp.rawValue * window.capacity + slot])
      }
      let first = exits.indices.first(where: leaves)
      for index in 0..<(first ?? exits.count) { utilities[index] -= cost.ramp[index] }
      guard let first else { continue }
      leaving[first] += 1
      let next = exits.indices.dropFirst(first + 1).first(where: leaves)
      let otherwise = next.map { cost.latencies.atRamp[$0] } ?? cost.latencies.final
      utilities[first] += otherwise - cost.ramp[first] - cost.latencies.atRamp[first]
    }
    let count = Double(max(1, items))
    perItem = utilities.map { $0 / count }
    exitRates = leaving.map { Double($0) / count }
  }
}
