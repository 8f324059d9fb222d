import Synchronization

/// All metrics of a process, and their text for Prometheus.
public final class MetricsRegistry: Sendable {
  /// A value that is read when somebody asks.
  public struct Sample: Sendable {
    public let labels: [String]
    public let value: Double

    public init(labels: [String] = [], value: Double) {
      self.labels = labels
      self.value = value
    }
  }

  private struct Source {
    let description: MetricDescription
    let write: @Sendable (inout PrometheusText) -> Void
    /// Of a counter, over all labels.
    var total: (@Sendable () -> UInt64)?
  }

  /// Guards the list of families, which grows while the server is put together.
  private let sources = Mutex<[String: Source]>([:])
  /// Guards who brings values up to date, likewise.
  private let refreshers = Mutex<[@Sendable () -> Void]>([])

  public init() {}

  // A name may be registered once; a second time is a mistake in the program.

  public func counter(_ name: String, _ help: String, labels: [String] = []) -> MetricFamily<Counter> {
    let description = MetricDescription(name: name, kind: .counter, help: help, labels: labels)
    let family = MetricFamily(description) { Counter() }
    return add(family, total: { family.all.reduce(0) { $0 &+ $1.metric.value } }) { text, labels, counter in
      text.sample(name, labels, Double(counter.value))
    }
  }

  public func gauge(_ name: String, _ help: String, labels: [String] = []) -> MetricFamily<Gauge> {
    let description = MetricDescription(name: name, kind: .gauge, help: help, labels: labels)
    return add(MetricFamily(description) { Gauge() }) { text, labels, gauge in text.sample(name, labels, gauge.value) }
  }

  public func histogram(
    _ name: String, _ help: String, labels: [String] = [], buckets: Buckets
  ) -> MetricFamily<Histogram> {
    let description = MetricDescription(name: name, kind: .histogram, help: help, labels: labels)
    return add(MetricFamily(description) { Histogram(buckets: buckets) }) { text, labels, histogram in
      text.histogram(name, labels, histogram.snapshot, limits: histogram.buckets.limits)
    }
  }

  /// A gauge whose values are asked for at each reading: depths of queues, thresholds in force.
  public func observe(
    _ name: String, _ help: String, labels: [String] = [], read: @escaping @Sendable () -> [Sample]
  ) {
    let description = MetricDescription(name: name, kind: .gauge, help: help, labels: labels)
    insert(
      Source(description: description) { text in
        let samples = read()
        guard !samples.isEmpty else { return }
        text.header(description)
        for sample in samples { text.sample(name, Array(zip(labels, sample.labels)), sample.value) }
      })
  }

  /// Calls `body` before each reading, to bring up to date what is counted elsewhere.
  public func beforeReading(_ body: @escaping @Sendable () -> Void) { refreshers.withLock { $0.append(body) } }

  private func refresh() { for refresher in refreshers.withLock({ $0 }) { refresher() } }

  private func add<Metric>(
    _ family: MetricFamily<Metric>, total: (@Sendable () -> UInt64)? = nil,
    write: @escaping @Sendable (inout PrometheusText, [(String, String)], Metric) -> Void
  ) -> MetricFamily<Metric> {
    let description = family.description
    var source = Source(description: description) { text in
      let children = family.all
      guard !children.isEmpty else { return }
      text.header(description)
      for child in children { write(&text, Array(zip(description.labels, child.values)), child.metric) }
    }
    source.total = total
    insert(source)
    return family
  }

  private func insert(_ source: Source) {
    sources.withLock { sources in
      let old = sources.updateValue(source, forKey: source.description.name)
      precondition(old == nil, "metric \(source.description.name) is registered twice")
    }
  }

  /// The values of all counters by name, each added up over its labels.
  public var counterTotals: [String: UInt64] {
    refresh()
    return sources.withLock { $0.compactMapValues(\.total) }.mapValues { $0() }
  }

  /// All metrics that have a value, in the order of their names.
  public func prometheusText() -> String {
    refresh()
    let sources = sources.withLock { $0.values.sorted { $0.description.name < $1.description.name } }
    var text = PrometheusText()
    for source in sources { source.write(&text) }
    return text.text
  }
}
