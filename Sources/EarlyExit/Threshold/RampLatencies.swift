/// When an answer is there, by the ramp it leaves at, for one set of active ramps.
struct RampLatencies: Sendable {
  /// The latencies of one batch size, in seconds from the start of the batch.
  struct Latencies: Sendable {
    /// At each active ramp, its own cost and that of earlier ramps included.
    let atRamp: [Double]
    /// At the final head, with all active ramps.
    let final: Double
    /// Of the model without any ramp.
    let vanilla: Double
    /// What the active ramps add to an item that runs to the end.
    var overhead: Double { final - vanilla }
  }

  let profile: LatencyProfile
  let ramps: [RampID]

  func latencies(batchSize: Int) -> Latencies {
    let latency = profile.latency(batchSize: batchSize)
    var spent = 0.0
    let atRamp = ramps.map { ramp in
      spent += latency.rampCost[ramp.rawValue]
      return latency.untilSite[ramp.rawValue] + spent
    }
    return Latencies(atRamp: atRamp, final: latency.total + spent, vanilla: latency.total)
  }
}
