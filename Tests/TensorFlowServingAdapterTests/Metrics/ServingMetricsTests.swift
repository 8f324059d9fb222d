@testable import Serving
import Testing

@testable import TensorFlowServingAdapter

@Suite("TensorFlow Serving's metrics")
struct ServingMetricsTests {
  @Test("everything that is counted has the names and labels of its dashboards")
  func names() {
    let registry = MetricsRegistry()
    let metrics = ServingMetrics(registry)
    metrics.grpcCall(CallReport(method: "Predict", model: "m", code: .ok, items: 3, took: .microseconds(25)))
    metrics.grpcCall(CallReport(method: "Classify", model: "m", code: .notFound, items: 0, took: .zero))
    metrics.grpcCall(CallReport(method: "GetModelStatus", model: "m", code: .ok, items: 0, took: .zero))
    metrics.batch(
      RequestScheduler.BatchReport(
        model: ServableID(name: "m", version: 1), items: 3, padding: 1, queueing: [.microseconds(150), .zero]))
    metrics.graphRan(1, took: .milliseconds(2))
    let id = ServableID(name: "m", version: 1)
    metrics.repository(.loaded(id, directory: "/m/1", took: .milliseconds(5)))
    metrics.repository(.loadFailed(id, directory: "/m/2", reason: "", took: .zero, retriesLeft: 0))
    metrics.warmedUp(path: "/m/1", status: "OK", records: 7, took: .milliseconds(1))
    metrics.shadowed(model: "m", result: "same")
    let lines = Set(registry.prometheusText().split(separator: "\n").map(String.init))
    for line in [
      #":tensorflow:serving:request_count{model_name="m",status="OK"} 1"#,
      #":tensorflow:serving:request_count{model_name="m",status="NOT_FOUND"} 1"#,
      #":tensorflow:serving:request_latency_bucket{model_name="m",API="Predict",entrypoint="GRPC",le="32.4"} 1"#,
      #":tensorflow:serving:request_latency_sum{model_name="m",API="Predict",entrypoint="GRPC"} 25"#,
      #":tensorflow:serving:runtime_latency_count{model_name="m",API="Predict",runtime="Apparate"} 1"#,
      #":tensorflow:serving:request_example_counts_bucket{model="m",le="4"} 1"#,
      #":tensorflow:serving:request_example_count_total{model="m"} 3"#,
      ":tensorflow:serving:batching_session:wrapped_run_count 1",
      #":tensorflow:serving:batching_session:queuing_latency_count{thread_pool_name="batch_threads"} 2"#,
      #":tensorflow:serving:batching_session:padding_size_sum{execution_batch_size="4"} 1"#,
      ":tensorflow:serving:batching_session:processed_batch_size_sum 4",
      ":tensorflow:serving:batching_session:input_batch_size_sum 3", ":tensorflow:core:graph_runs 1",
      ":tensorflow:core:graph_run_time_usecs 2000",
      #":tensorflow:cc:saved_model:load_attempt_count{model_path="/m/1",status="success"} 1"#,
      #":tensorflow:cc:saved_model:load_attempt_count{model_path="/m/2",status="fail"} 1"#,
      #":tensorflow:cc:saved_model:load_latency{model_path="/m/1"} 5000"#,
      #":tensorflow:serving:model_warmup_records_read{model_path="/m/1",status="OK"} 7"#,
      #":tensorflow:serving:model_warmup_latency_count{model_path="/m/1",status="OK"} 1"#,
      #"apparate_shadow_requests_total{model_name="m",result="same"} 1"#,
    ] { #expect(lines.contains(line), "\(line) is missing") }
    #expect(!lines.contains { $0.contains("GetModelStatus") })
    let counters = ServingMetrics.counters(of: registry)
    #expect(counters[":tensorflow:serving:request_count"] == 2)
    #expect(counters["/tensorflow/serving/request_count"] == 2)
  }
}
