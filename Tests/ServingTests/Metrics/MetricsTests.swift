import Dispatch
import EarlyExit
import Testing

@testable import Serving

@Suite("Metrics")
struct MetricsTests {
  @Test("counters, gauges and histograms are written as Prometheus reads them")
  func exposition() {
    let registry = MetricsRegistry()
    let requests = registry.counter(":tensorflow:serving:request_count", "Requests.", labels: ["model_name", "status"])
    requests.with("m", "OK").add(3)
    requests.with("m", "NOT_FOUND").add()
    registry.gauge("depth", "Depth\nof a \\ queue.").with().set(2.5)
    let latency = registry.histogram(
      "latency", "Time.", labels: ["api"], buckets: .exponential(scale: 10, growth: 1.8, count: 4))
    for value in [10, 10.5, 40, 1000] { latency.with("p\"q\\r\ns").record(value) }
    registry.observe("seen", "When asked.", labels: ["ramp"]) { [.init(labels: ["1"], value: 0.5)] }
    _ = registry.counter("never_used", "No values, no lines.", labels: ["x"])
    #expect(
      registry.prometheusText() == """
        # HELP :tensorflow:serving:request_count Requests.
        # TYPE :tensorflow:serving:request_count counter
        :tensorflow:serving:request_count{model_name="m",status="NOT_FOUND"} 1
        :tensorflow:serving:request_count{model_name="m",status="OK"} 3
        # HELP depth Depth\\nof a \\\\ queue.
        # TYPE depth gauge
        depth 2.5
        # HELP latency Time.
        # TYPE latency histogram
        latency_bucket{api="p\\"q\\\\r\\ns",le="10"} 1
        latency_bucket{api="p\\"q\\\\r\\ns",le="18"} 2
        latency_bucket{api="p\\"q\\\\r\\ns",le="32.4"} 2
        latency_bucket{api="p\\"q\\\\r\\ns",le="58.32"} 3
        latency_bucket{api="p\\"q\\\\r\\ns",le="+Inf"} 4
        latency_sum{api="p\\"q\\\\r\\ns"} 1060.5
        latency_count{api="p\\"q\\\\r\\ns"} 4
        # HELP seen When asked.
        # TYPE seen gauge
        seen{ramp="1"} 0.5

        """)
  }

  @Test("counters are added up over their labels")
  func totals() {
    let registry = MetricsRegistry()
    let counters = registry.counter("c", "", labels: ["n"])
    counters.with("1").add(2)
    counters.with("2").add(3)
    _ = registry.counter("unused", "")
    registry.gauge("g", "").with().set(7)
    #expect(registry.counterTotals == ["c": 5, "unused": 0])
  }

  @Test("whoever counts elsewhere is asked before each reading")
  func refreshing() {
    let registry = MetricsRegistry()
    let counter = registry.counter("c", "").with()
    registry.beforeReading { counter.add() }
    #expect(registry.prometheusText().contains("c 1"))
    #expect(registry.counterTotals == ["c": 2])
  }

  @Test("numbers are written so that Prometheus reads the same ones")
  func numbers() {
    for (value, text) in [
      (0, "0"), (-3, "-3"), (1e15, "1000000000000000"), (0.1, "0.1"), (.nan, "NaN"), (.infinity, "+Inf"),
      (-.infinity, "-Inf"), (1e300, "1e+300"),
    ] as [(Double, String)] {
      #expect(PrometheusText.number(value) == text)
      if value.isFinite { #expect(Double(PrometheusText.number(value)) == value) }
    }
  }

  @Test("bucket limits grow as TensorFlow Serving's do, and every value falls into the first that holds it")
  func buckets() {
    let buckets = Buckets.exponential(scale: 10, growth: 1.8, count: 33)
    #expect(buckets.limits.count == 33)
    #expect(abs(buckets.limits[32] / 1_477_430_000 - 1) < 0.01)
    var random = SplitMix64(seed: 3)
    for _ in 0..<2000 {
      let value = Double.random(in: 0...1e10, using: &random)
      let index = buckets.index(of: value)
      #expect(index == buckets.limits.firstIndex { value <= $0 } ?? 33)
    }
    for (index, limit) in buckets.limits.enumerated() {
      #expect(buckets.index(of: limit) == index)
      #expect(buckets.index(of: limit.nextUp) == index + 1)
    }
  }

  @Test("nothing is lost when many threads count at once")
  func concurrency() {
    let registry = MetricsRegistry()
    let counters = registry.counter("c", "", labels: ["n"])
    let gauge = registry.gauge("g", "").with()
    let histogram = registry.histogram("h", "", buckets: Buckets([1, 2])).with()
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for step in 0..<5000 {
        counters.with("\(step % 3)").add()
        gauge.add(thread % 2 == 0 ? 1 : -1)
        histogram.record(Double(step % 3) + 0.5)
      }
    }
    #expect((0..<3).reduce(0) { $0 + counters.with("\($1)").value } == 40_000)
    #expect(gauge.value == 0)
    #expect(histogram.snapshot.count == 40_000)
    let steps = (0..<5000).reduce(0.0) { $0 + Double($1 % 3) + 0.5 }
    #expect(histogram.snapshot.sum == 8 * steps)
  }

  @Test("label values from requests do not fill the memory")
  func cardinality() {
    let registry = MetricsRegistry()
    let family = registry.counter("c", "", labels: ["model", "status"])
    let limit = MetricFamily<Counter>.childLimit
    for index in 0..<(limit + 500) { family.with("model\(index)", "OK").add() }
    #expect(family.all.count == limit + 1)
    #expect(family.with("(others)", "(others)").value == 500)
    family.with("model0", "OK").add()
    #expect(family.with("model0", "OK").value == 2)
  }

  @Test("a version's early exits are counted, and gone when it is")
  func earlyExits() throws {
    let registry = MetricsRegistry()
    let metrics = EarlyExitMetrics(registry)
    let id = ServableID(name: "m", version: 3)
    let version = metrics.version(id)
    var policy = try ExitPolicy(version: 1, exits: [.init(ramp: RampID(2), threshold: 0.25)])
    var statistics = EngineStatistics(sites: 3, policy: policy)
    statistics.batches = 2
    statistics.secondsRunning = 0.5
    #expect(version.update(statistics) == (2, 0.5))
    statistics.items = 4
    statistics.finalExits = 1
    statistics.ramps[2].exits = 3
    statistics.ramps[2].observed = 2
    statistics.ramps[2].agreed = 1
    statistics.earlyAgreements = 2
    statistics.secondsSaved = 0.006
    statistics.queueDepth = 1
    statistics.refusedBatches = 5
    statistics.batches = 3
    // Only what is new is counted, however often somebody reads.
    #expect(version.update(statistics) == (1, 0))
    #expect(version.update(statistics) == (0, 0))
    let lines = Set(registry.prometheusText().split(separator: "\n").map(String.init))
    for line in [
      #"apparate_exits_total{model_name="m",version="3",exit="2"} 3"#,
      #"apparate_exits_total{model_name="m",version="3",exit="final"} 1"#,
      #"apparate_latency_saved_microseconds_total{model_name="m",version="3"} 6000"#,
      #"apparate_compared_total{model_name="m",version="3",ramp="2"} 2"#,
      #"apparate_agreed_total{model_name="m",version="3",ramp="2"} 1"#,
      #"apparate_threshold{model_name="m",version="3",ramp="2"} 0.25"#,
      #"apparate_active_ramps{model_name="m",version="3"} 1"#,
      #"apparate_agreement{model_name="m",version="3"} 0.75"#,
      #"apparate_queue_depth{model_name="m",version="3"} 1"#,
      #"apparate_refused_batches_total{model_name="m",version="3"} 5"#,
    ] { #expect(lines.contains(line), "\(line) is missing in \(lines.sorted())") }
    // A ramp that is not in the next policy has no threshold any more.
    policy = try ExitPolicy(version: 2, exits: [])
    statistics.apply(policy)
    version.update(statistics)
    #expect(!registry.prometheusText().contains("apparate_threshold{"))
    // Another engine starts at nothing, and adds to what was.
    version.engineReplaced()
    var other = EngineStatistics(sites: 3, policy: policy)
    other.finalExits = 7
    other.items = 7
    version.update(other)
    #expect(registry.prometheusText().contains(#"apparate_exits_total{model_name="m",version="3",exit="final"} 8"#))
    metrics.remove(id)
    #expect(registry.prometheusText().isEmpty)
  }
}
