import Synchronization

/// What early exits do for each version, for Prometheus.
public final class EarlyExitMetrics: Sendable {
  private static let labels = ["model_name", "version"]

  private let exits: MetricFamily<Counter>
  private let saved: MetricFamily<Counter>
  private let compared: MetricFamily<Counter>
  private let agreed: MetricFamily<Counter>
  private let thresholds: MetricFamily<Gauge>
  private let activeRamps: MetricFamily<Gauge>
  private let agreement: MetricFamily<Gauge>
  private let queueDepth: MetricFamily<Gauge>
  private let refused: MetricFamily<Counter>

  public init(_ registry: MetricsRegistry) {
    let ramp = Self.labels + ["ramp"]
    exits = registry.counter(
      "apparate_exits_total", "Answers by where they left the model: a ramp, or the final head.",
      labels: Self.labels + ["exit"])
    saved = registry.counter(
      "apparate_latency_saved_microseconds_total",
      "Time by which answers left before the final head, added up over all answers.", labels: Self.labels)
    compared = registry.counter(
      "apparate_compared_total", "Answers of ramps that were compared with the model's own.", labels: ramp)
    agreed = registry.counter(
      "apparate_agreed_total", "Those of them that were the same.", labels: ramp)
    thresholds = registry.gauge(
      "apparate_threshold", "Error score below which a ramp's answers are released.", labels: ramp)
    activeRamps = registry.gauge("apparate_active_ramps", "Ramps that run.", labels: Self.labels)
    agreement = registry.gauge(
      "apparate_agreement", "Share of all answers that were the model's own.", labels: Self.labels)
    queueDepth = registry.gauge(
      "apparate_queue_depth", "Batches that wait.", labels: Self.labels)
    refused = registry.counter(
      "apparate_refused_batches_total", "Batches that were refused because too many waited.", labels: Self.labels)
  }

  /// The metrics of one version; keep them for as long as it is loaded.
  public func version(_ id: ServableID) -> Version { Version(self, id) }

  /// Takes a version's metrics away once it is unloaded.
  public func remove(_ id: ServableID) {
    let values = [id.name, "\(id.version)"]
    for counters in [exits, saved, compared, agreed, refused] { counters.remove { Array($0.prefix(2)) == values } }
    for gauges in [thresholds, activeRamps, agreement, queueDepth] { gauges.remove { Array($0.prefix(2)) == values } }
  }

  /// Brings the metrics up to date with what an engine says of itself.
  public final class Version: Sendable {
    private let metrics: EarlyExitMetrics
    private let values: [String]
    /// Guards what is counted already.
    private let counted = Mutex<EngineStatistics?>(nil)

    fileprivate init(_ metrics: EarlyExitMetrics, _ id: ServableID) {
      self.metrics = metrics
      values = [id.name, "\(id.version)"]
    }

    /// Takes in what has happened since the last time.
    ///
    /// - Returns: the batches that ran meanwhile, and the seconds that they took.
    @discardableResult
    public func update(_ now: EngineStatistics) -> (batches: UInt64, seconds: Double) {
      let before = counted.withLock { counted in
        defer { counted = now }
        return counted
      }
      func added(_ count: KeyPath<EngineStatistics, UInt64>) -> UInt64 {
        now[keyPath: count] - min(now[keyPath: count], before?[keyPath: count] ?? 0)
      }
      metrics.exits.with(values + ["final"]).add(added(\.finalExits))
      let saved = now.secondsSaved - (before?.secondsSaved ?? 0)
      metrics.saved.with(values).add(UInt64(max(0, saved * 1e6)))
      metrics.thresholds.remove { Array($0.prefix(2)) == values }
      for (index, ramp) in now.ramps.enumerated() {
        let old = before.flatMap { $0.ramps.indices.contains(index) ? $0.ramps[index] : nil }
        let labels = values + ["\(ramp.ramp.rawValue)"]
        metrics.exits.with(labels).add(ramp.exits - min(ramp.exits, old?.exits ?? 0))
        metrics.compared.with(labels).add(ramp.observed - min(ramp.observed, old?.observed ?? 0))
        metrics.agreed.with(labels).add(ramp.agreed - min(ramp.agreed, old?.agreed ?? 0))
        if ramp.isActive { metrics.thresholds.with(labels).set(Double(ramp.threshold)) }
      }
      metrics.activeRamps.with(values).set(Double(now.ramps.count(where: \.isActive)))
      metrics.agreement.with(values).set(now.agreement)
      metrics.queueDepth.with(values).set(Double(now.queueDepth))
      metrics.refused.with(values).add(added(\.refusedBatches))
      return (added(\.batches), max(0, now.secondsRunning - (before?.secondsRunning ?? 0)))
    }

    /// Another engine answers from now on, which begins to count at nothing.
    public func engineReplaced() { counted.withLock { $0 = nil } }
  }
}
