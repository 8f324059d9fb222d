import Testing

@testable import TensorFlowServingAdapter

@Suite("Batching, TLS and monitoring configurations")
struct OtherConfigTests {
  private func batching(_ text: String) throws -> BatchingParameters { try .parse(Array(text.utf8)) }

  @Test("batching parameters are read from their wrappers")
  func batchingParameters() throws {
    let parameters = try batching(
      """
      max_batch_size { value: 128 }
      batch_timeout_micros { value: 0 }
      max_enqueued_batches { value: 1000000 }
      num_batch_threads: { value: 8 }
      thread_pool_name { value: "pool" }
      allowed_batch_sizes: 32 allowed_batch_sizes: [64, 128]
      pad_variable_length_inputs: true
      """)
    var expected = BatchingParameters()
    expected.maxBatchSize = 128
    expected.batchTimeoutMicroseconds = 0
    expected.maxEnqueuedBatches = 1_000_000
    expected.numBatchThreads = 8
    expected.threadPoolName = "pool"
    expected.allowedBatchSizes = [32, 64, 128]
    expected.padVariableLengthInputs = true
    #expect(parameters == expected)
    #expect(try batching("") == BatchingParameters())
  }

  @Test("with splitting the allowed sizes end with the largest that runs")
  func splitting() throws {
    let parameters = try batching(
      """
      max_batch_size { value: 128 } enable_large_batch_splitting { value: true }
      max_execution_batch_size { value: 32 } allowed_batch_sizes: [16, 32]
      """)
    #expect(parameters.enableLargeBatchSplitting)
    #expect(parameters.maxExecutionBatchSize == 32)
  }

  @Test("batching parameters that contradict themselves are refused")
  func wrongBatchingParameters() {
    let cases = [
      ("max_batch_size { value: 0 }", "max_batch_size must be positive; was 0"),
      ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must be non-negative; was -1"),
      ("num_batch_threads { value: 0 }", "num_batch_threads must be positive; was 0"),
      ("allowed_batch_sizes: [4, 2]", "allowed_batch_sizes entries must be monotonically increasing"),
      ("allowed_batch_sizes: [0, 2]", "allowed_batch_sizes entries must be monotonically increasing"),
      (
        "max_batch_size { value: 8 } allowed_batch_sizes: [2, 4]",
        "Last entry in allowed_batch_sizes must match max_batch_size; last was 4; expected 8"
      ),
      (
        "max_batch_size { value: 8 } enable_large_batch_splitting { value: true } max_execution_batch_size { value: 9 }",
        "max_execution_batch_size must be less than or equal to max_batch_size"
      ),
      (
        """
        max_batch_size { value: 8 } enable_large_batch_splitting { value: true } max_execution_batch_size { value: 4 }
        allowed_batch_sizes: 8
        """, "last was 8, max_execution_batch_size was 4"
      ),
      ("max_batch_size: 8", "Expected \"{\", found \"8\"."),
      ("max_batch { value: 8 }", "has no field named \"max_batch\"."),
    ]
    for (text, part) in cases {
      let error = #expect(throws: ConfigurationError.self, "\(text)") { try batching(text) }
      #expect(error?.description.hasSuffix(part) == true, "\(text): \(String(describing: error))")
    }
  }

  @Test("TLS keys are PEM texts, with line breaks written as escapes")
  func ssl() throws {
    let config = try SSLConfig.parse(
      Array(#"server_key: "-----BEGIN\nKEY\n" server_cert: "CERT\n" custom_ca: "CA" client_verify: true"#.utf8))
    #expect(
      config
        == SSLConfig(
          serverKey: "-----BEGIN\nKEY\n", serverCertificate: "CERT\n", customAuthority: "CA", verifiesClients: true))
    #expect(throws: ConfigurationError.self) { try SSLConfig.parse(Array("server_key: 'K'".utf8)) }
  }

  @Test("monitoring is off until asked for, and its path has a default and a leading slash")
  func monitoring() throws {
    let cases: [(String, Bool, String)] = [
      ("", false, "/monitoring/prometheus/metrics"),
      ("prometheus_config {}", false, "/monitoring/prometheus/metrics"),
      ("prometheus_config { enable: true }", true, "/monitoring/prometheus/metrics"),
      ("prometheus_config: { enable: True, path: '/metrics' }", true, "/metrics"),
      ("prometheus_config: { enable: 1 path: 'metrics' }", true, "/metrics"),
    ]
    for (text, isEnabled, path) in cases {
      let config = try MonitoringConfig.parse(Array(text.utf8))
      #expect(config.isPrometheusEnabled == isEnabled, "\(text)")
      #expect(config.prometheusPath == path, "\(text)")
    }
    #expect(throws: ConfigurationError.self) {
      try MonitoringConfig.parse(Array("prometheus_config { enable: 2 }".utf8))
    }
  }
}
