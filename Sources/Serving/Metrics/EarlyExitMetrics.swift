import EarlyExit

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
      "apparate_agreement", "Share of recent answers that were the model's own.", labels: Self.labels)
    queueDepth = registry.gauge(
      "apparate_queue_depth", "Batches that were submitted and have not ended.", labels: Self.labels)
  }

  /// The metrics of one version; keep them for as long as it is loaded.
  public func version(_ id: ServableID) -> Version { Version(self, id) }

  /// Takes a version's metrics away once it is unloaded.
  public func remove(_ id: ServableID) {
    let values = [id.name, "\(id.version)"]
    for counters in [exits, saved, compared, agreed] { counters.remove { Array($0.prefix(2)) == values } }
    for gauges in [thresholds, activeRamps, agreement, queueDepth] { gauges.remove { Array($0.prefix(2)) == values } }
  }

  /// Counting an exit is two atomic additions; setting a policy takes locks.
  public final class Version: Sendable {
    private let metrics: EarlyExitMetrics
    private let values: [String]
    private let finalExits: Counter
    private let saved: Counter
    /// How recent answers agreed.
    public let agreement: Gauge
    public let queueDepth: Gauge

    fileprivate init(_ metrics: EarlyExitMetrics, _ id: ServableID) {
      self.metrics = metrics
      values = [id.name, "\(id.version)"]
      finalExits = metrics.exits.with(values + ["final"])
      saved = metrics.saved.with(values)
      agreement = metrics.agreement.with(values)
      queueDepth = metrics.queueDepth.with(values)
    }

    /// - Parameter saved: for one answer, the time from its release to that of the final head.
    public func exit(at position: ExitPosition, count: Int = 1, saved time: Duration = .zero) {
      switch position {
      case .final: finalExits.add(UInt64(count))
      case .ramp(let ramp):
        metrics.exits.with(values + ["\(ramp.rawValue)"]).add(UInt64(count))
        let microseconds = max(0, time / .microseconds(1))
        saved.add(UInt64(microseconds * Double(count)))
      }
    }

    /// A ramp's answer was compared with the model's own.
    public func compared(_ ramp: RampID, agreed: Bool) {
      metrics.compared.with(values + ["\(ramp.rawValue)"]).add()
      if agreed { metrics.agreed.with(values + ["\(ramp.rawValue)"]).add() }
    }

    /// A policy came into force.
    public func apply(_ policy: ExitPolicy) {
      metrics.thresholds.remove { Array($0.prefix(2)) == values }
      for exit in policy.exits {
        metrics.thresholds.with(values + ["\(exit.ramp.rawValue)"]).set(Double(exit.threshold))
      }
      metrics.activeRamps.with(values).set(Double(policy.exits.count))
    }
  }
}
