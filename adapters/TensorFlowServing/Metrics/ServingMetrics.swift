import Serving

/// The metrics of TensorFlow Serving's dashboards, under its names.
public final class ServingMetrics: Sendable {
  /// Which face a request came in by.
  public enum Entrypoint: String, Sendable {
    case grpc = "GRPC"
    case rest = "REST"
  }

  /// What TensorFlow Serving calls its two ways to run a graph; ours is a third.
  private static let runtime = "Apparate"

  private let requestCount: MetricFamily<Counter>
  private let requestLatency: MetricFamily<Histogram>
  private let runtimeLatency: MetricFamily<Histogram>
  private let exampleCounts: MetricFamily<Histogram>
  private let exampleCountTotal: MetricFamily<Counter>
  private let warmupLatency: MetricFamily<Histogram>
  private let warmupRecords: MetricFamily<Counter>
  private let queuingLatency: MetricFamily<Histogram>
  private let wrappedRuns: MetricFamily<Counter>
  private let paddingSize: MetricFamily<Histogram>
  private let inputBatchSize: MetricFamily<Histogram>
  private let processedBatchSize: MetricFamily<Histogram>
  private let loadAttempts: MetricFamily<Counter>
  private let loadLatency: MetricFamily<Counter>
  private let graphRuns: MetricFamily<Counter>
  private let graphRunTime: MetricFamily<Counter>
  private let shadowed: MetricFamily<Counter>

  public init(_ registry: MetricsRegistry) {
    let serving = ":tensorflow:serving:"
    let latency = Buckets.exponential(scale: 10, growth: 1.8, count: 33)
    requestCount = registry.counter(
      serving + "request_count", "The total number of requests.", labels: ["model_name", "status"])
    requestLatency = registry.histogram(
      serving + "request_latency", "Distribution of wall time (in microseconds) for Tensorflow Serving request.",
      labels: ["model_name", "API", "entrypoint"], buckets: latency)
    runtimeLatency = registry.histogram(
      serving + "runtime_latency", "Distribution of wall time (in microseconds) for the model itself.",
      labels: ["model_name", "API", "runtime"], buckets: latency)
    exampleCounts = registry.histogram(
      serving + "request_example_counts", "The number of items of a request.", labels: ["model"],
      buckets: .exponential(scale: 1, growth: 2, count: 15))
    exampleCountTotal = registry.counter(
      serving + "request_example_count_total", "The total number of items.", labels: ["model"])
    warmupLatency = registry.histogram(
      serving + "model_warmup_latency", "Distribution of wall time (in microseconds) for warming up a model.",
      labels: ["model_path", "status"], buckets: latency)
    warmupRecords = registry.counter(
      serving + "model_warmup_records_read", "The total number of warm-up records.", labels: ["model_path", "status"])
    let batching = serving + "batching_session:"
    queuingLatency = registry.histogram(
      batching + "queuing_latency", "Distribution of the time (in microseconds) that a request waits for its batch.",
      labels: ["thread_pool_name"], buckets: .exponential(scale: 100, growth: 1.2, count: 52))
    wrappedRuns = registry.counter(batching + "wrapped_run_count", "The total number of batches.")
    let sizes = Buckets.exponential(scale: 1, growth: 2, count: 14)
    paddingSize = registry.histogram(
      batching + "padding_size", "Items of fill in a batch.", labels: ["execution_batch_size"], buckets: sizes)
    inputBatchSize = registry.histogram(
      batching + "input_batch_size", "Items of a request that was batched.", buckets: sizes)
    processedBatchSize = registry.histogram(
      batching + "processed_batch_size", "Items of a batch, with fill.", buckets: sizes)
    loadAttempts = registry.counter(
      ":tensorflow:cc:saved_model:load_attempt_count", "The number of times a model was loaded.",
      labels: ["model_path", "status"])
    loadLatency = registry.counter(
      ":tensorflow:cc:saved_model:load_latency", "Time in microseconds that loading took.", labels: ["model_path"])
    graphRuns = registry.counter(":tensorflow:core:graph_runs", "The number of batches that ran.")
    graphRunTime = registry.counter(
      ":tensorflow:core:graph_run_time_usecs", "The total time (in microseconds) that they took.")
    shadowed = registry.counter(
      "apparate_shadow_requests_total", "Requests that were also sent upstream, by what came of the comparison.",
      labels: ["model_name", "result"])
  }

  // MARK: Requests

  /// - Parameters:
  ///   - api: `Predict`, `Classify`, `Regress` over gRPC; in lower case over REST, as TensorFlow Serving has it.
  ///   - status: `OK`, `NOT_FOUND`, …
  public func request(model: String, api: String, entrypoint: Entrypoint, status: String, took: Duration) {
    requestCount.with(model, status).add()
    guard status == TensorFlowStatus.Code.ok.name else { return }
    requestLatency.with(model, api, entrypoint.rawValue).record(took.microseconds)
  }

  /// A request reached the model.
  public func ran(model: String, api: String, items: Int, took: Duration) {
    runtimeLatency.with(model, api, Self.runtime).record(took.microseconds)
    exampleCounts.with(model).record(Double(items))
    exampleCountTotal.with(model).add(UInt64(max(0, items)))
  }

  /// For ``GRPCServices``' reports. As TensorFlow Serving has it, only the calls that run a model count.
  public func grpcCall(_ report: CallReport) {
    guard ["Predict", "Classify", "Regress"].contains(report.method) else { return }
    request(
      model: report.model, api: report.method, entrypoint: .grpc, status: report.code.name, took: report.took)
    guard report.code == .ok else { return }
    ran(model: report.model, api: report.method, items: report.items, took: report.took)
  }

  /// All counters of a registry by name, for `metric_names` of a ReloadConfigRequest: as Prometheus has them, with
  /// colons, and as TensorFlow Serving has them itself, with slashes.
  public static func counters(of registry: MetricsRegistry) -> [String: Int64] {
    var counters: [String: Int64] = [:]
    for (name, total) in registry.counterTotals {
      counters[name] = Int64(clamping: total)
      counters[name.replacing(":", with: "/")] = Int64(clamping: total)
    }
    return counters
  }

  public func shadowed(model: String, result: String) { shadowed.with(model, result).add() }

  // MARK: Batches

  /// For ``RequestScheduler/Options/onBatch``.
  public func batch(_ report: RequestScheduler.BatchReport, threadPool: String = "batch_threads") {
    wrappedRuns.with().add()
    let size = report.items + report.padding
    processedBatchSize.with().record(Double(size))
    inputBatchSize.with().record(Double(report.items))
    paddingSize.with("\(size)").record(Double(report.padding))
    let queuing = queuingLatency.with(threadPool)
    for wait in report.queueing { queuing.record(wait.microseconds) }
  }

  /// Models ran so many more batches, which took so long in all.
  public func graphRan(_ batches: UInt64, took: Duration) {
    graphRuns.with().add(batches)
    graphRunTime.with().add(UInt64(max(0, took.microseconds)))
  }

  // MARK: Models

  /// For ``ModelRepository``'s events.
  public func repository(_ event: RepositoryEvent) {
    switch event {
    case .loaded(_, let directory, let took):
      loadAttempts.with(directory, "success").add()
      loadLatency.with(directory).add(UInt64(max(0, took.microseconds)))
    case .loadFailed(_, let directory, _, let took, _):
      loadAttempts.with(directory, "fail").add()
      loadLatency.with(directory).add(UInt64(max(0, took.microseconds)))
    case .loading, .unloading, .unloaded, .nothingFound: break
    }
  }

  public func warmedUp(path: String, status: String, records: Int, took: Duration) {
    warmupLatency.with(path, status).record(took.microseconds)
    warmupRecords.with(path, status).add(UInt64(records))
  }
}

extension Duration {
  fileprivate var microseconds: Double { self / .microseconds(1) }
}
