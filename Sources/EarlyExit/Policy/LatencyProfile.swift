/// What the model and each of its ramps cost on this device, by batch size. All times are in seconds.
public struct LatencyProfile: Sendable, Equatable {
  /// The latencies of one batch size.
  public struct BatchLatency: Sendable, Equatable {
    public let batchSize: Int
    /// From the start of the batch until the tensor at each site is there, without any ramp.
    public let untilSite: [Double]
    /// What the ramp at each site adds to the batch when it is active.
    public let rampCost: [Double]
    /// From start to end of the batch without any ramp.
    public let total: Double

    public init(batchSize: Int, untilSite: [Double], rampCost: [Double], total: Double) {
      self.batchSize = batchSize
      self.untilSite = untilSite
      self.rampCost = rampCost
      self.total = total
    }
  }

  /// The measured batch sizes in ascending order.
  public let measured: [BatchLatency]
  /// How many sites the model has.
  public let sites: Int

  /// - Throws: ``EarlyExitError/invalidProfile(batchSize:expected:got:)`` when times are negative, decrease along the
  ///   model or are not finite, when sites differ between batch sizes, or when a batch size is missing or given twice.
  public init(_ latencies: [BatchLatency]) throws(EarlyExitError) {
    guard let first = latencies.first else {
      throw .invalidProfile(batchSize: 0, expected: "at least one measured batch size", got: "none")
    }
    measured = latencies.sorted { $0.batchSize < $1.batchSize }
    sites = first.untilSite.count
    for (index, latency) in measured.enumerated() {
      try Self.check(latency, sites: sites)
      if index > 0, measured[index - 1].batchSize == latency.batchSize {
        throw .invalidProfile(batchSize: latency.batchSize, expected: "one measurement", got: "two")
      }
    }
  }

  private static func check(_ latency: BatchLatency, sites: Int) throws(EarlyExitError) {
    func refuse(_ expected: String, _ got: String) -> EarlyExitError {
      .invalidProfile(batchSize: latency.batchSize, expected: expected, got: got)
    }
    guard latency.batchSize >= 1 else { throw refuse("a batch size of at least 1", "\(latency.batchSize)") }
    guard latency.total > 0, latency.total.isFinite else {
      throw refuse("a positive total in seconds", "\(latency.total)")
    }
    guard latency.untilSite.count == sites, latency.rampCost.count == sites else {
      throw refuse("\(sites) sites", "\(latency.untilSite.count) latencies and \(latency.rampCost.count) ramp costs")
    }
    var previous = 0.0
    for (site, seconds) in latency.untilSite.enumerated() {
      guard seconds >= previous, seconds <= latency.total else {
        throw refuse("latency at site \(site) from \(previous) to \(latency.total) s", "\(seconds) s")
      }
      previous = seconds
    }
    for (site, seconds) in latency.rampCost.enumerated() where !(seconds >= 0 && seconds.isFinite) {
      throw refuse("cost of \(RampID(site)) of at least 0 s", "\(seconds) s")
    }
  }

  /// The latencies of any batch size: linear between measured ones, the smallest below them, proportional above them.
  public func latency(batchSize: Int) -> BatchLatency {
    guard let upper = measured.firstIndex(where: { $0.batchSize >= batchSize }) else {
      let largest = measured[measured.count - 1]
      return Self.mix(largest, largest, 0, batchSize, scale: Double(batchSize) / Double(largest.batchSize))
    }
    guard upper > 0, measured[upper].batchSize != batchSize else {
      return Self.mix(measured[upper], measured[upper], 0, batchSize, scale: 1)
    }
    let low = measured[upper - 1]
    let high = measured[upper]
    let part = Double(batchSize - low.batchSize) / Double(high.batchSize - low.batchSize)
    return Self.mix(low, high, part, batchSize, scale: 1)
  }

  private static func mix(
    _ low: BatchLatency, _ high: BatchLatency, _ part: Double, _ batchSize: Int, scale: Double
  ) -> BatchLatency {
    func between(_ low: Double, _ high: Double) -> Double { (low + (high - low) * part) * scale }
    return BatchLatency(
      batchSize: batchSize, untilSite: zip(low.untilSite, high.untilSite).map(between),
      rampCost: zip(low.rampCost, high.rampCost).map(between), total: between(low.total, high.total))
  }

  /// By what part of its latency without ramps these ramps slow down an item that never leaves early, in the worst case
  /// over all measured batch sizes. Between measured sizes it is never more, because both sides are linear there.
  public func slowdown(of ramps: [RampID]) -> Double {
    measured.map { latency in ramps.reduce(0) { $0 + latency.rampCost[$1.rawValue] } / latency.total }.max() ?? 0
  }

  /// Whether these ramps exist and slow the whole model down by at most `budget` (0.02 is 2 %).
  public func admits(_ ramps: [RampID], budget: Double) -> Bool {
    ramps.allSatisfy { (0..<sites).contains($0.rawValue) } && slowdown(of: ramps) <= budget * (1 + 1e-12)
  }
}
