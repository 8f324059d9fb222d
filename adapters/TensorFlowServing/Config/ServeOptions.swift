import EarlyExit

/// Everything that `apparate serve` can be told: the flags of `tensorflow_model_server`, under their names and with
/// their defaults, and our own.
public struct ServeOptions: Equatable, Sendable {
  // MARK: Listening
  /// 0: no TCP port; then a socket path is needed.
  public var port = 8500
  /// Empty: no unix socket.
  public var grpcSocketPath = ""
  /// 0: no REST.
  public var restAPIPort = 0
  /// `nil`: four for each core, as TensorFlow Serving has it; event loops need fewer.
  public var restAPIThreads: Int?
  public var restAPITimeoutMilliseconds = 30_000
  public var enablesCORS = false
  /// `key=value,key=value`; see ``grpcChannelArgument(_:)``.
  public var grpcChannelArguments = ""
  public var grpcMaxThreads: Int?
  public var enablesHealthService = true
  public var sslConfigFile = ""

  // MARK: Models
  public var modelName = "default"
  public var modelBasePath = ""
  public var modelConfigFile = ""
  /// 0: the file is read once.
  public var modelConfigFilePollSeconds = 0
  /// 0: the directories are read once; negative: never.
  public var fileSystemPollSeconds = 1
  public var allowsVersionLabelsForUnavailableModels = false
  public var maxLoadRetries = 5
  public var loadRetryIntervalMicroseconds: Int64 = 60_000_000
  public var loadThreads = 0
  public var unloadThreads = 0
  public var enablesWarmup = true
  /// 0 means 1.
  public var warmupIterations = 0
  public var savedModelTags = "serve"

  // MARK: Calls
  public var enablesBatching = false
  public var batchingParametersFile = ""
  public var enablesPerModelBatchingParameters = false
  public var serializesAsTensorContent = false
  public var checksSignatureMethodName = false
  public var monitoringConfigFile = ""

  // MARK: Ours
  /// An OpenCL device, as `apparate run --device` takes it.
  public var device = "auto"
  /// Of a CPU device; 0: all cores.
  public var threads = 0
  /// `host:port` of a TensorFlow Serving for models that are not managed here; empty: none.
  public var upstream = ""
  /// The same for REST; empty: none.
  public var upstreamREST = ""
  /// The share of managed calls that is also sent upstream and compared.
  public var shadowFraction = 0.0
  /// Whether a model without ramps gets some from its live traffic.
  public var bootstraps = true
  /// Whether answers may leave early at all.
  public var allowsExits = true
  /// The share of answers that must be the model's own; `nil`: what each model was prepared for.
  public var accuracy: Double?
  /// By what share ramps may lengthen a whole run of the model; `nil`: what each model was prepared for.
  public var rampBudget: Double?
  public var guarantee = Guarantee.certified
  /// Where to keep what is learnt of models whose directories cannot be written to; empty: nowhere.
  public var stateDirectory = ""
  /// How long calls under way may take to finish when the server is told to stop.
  public var drainSeconds = 25
  /// Where Clockwork's controllers connect; `nil`: nowhere, 0: any free port.
  public var clockworkPort: Int?
  /// What controllers' model paths are relative to; empty: the directory that holds the first model's.
  public var clockworkModelRoot = ""

  public init() {}

  /// The value of one of the `--grpc_channel_arguments`.
  public func grpcChannelArgument(_ key: String) -> String? {
    for argument in grpcChannelArguments.split(separator: ",") {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, parts[0] == key { return String(parts[1]) }
    }
    return nil
  }

  /// Checks what one flag alone cannot show to be wrong.
  public func validate() throws(ConfigurationError) {
    guard !modelBasePath.isEmpty || !modelConfigFile.isEmpty else {
      throw .conflictingFlags(
        problem: "Both server_options.model_base_path and server_options.model_config_file are empty!")
    }
    guard port != 0 || !grpcSocketPath.isEmpty else {
      throw .conflictingFlags(problem: "--port is 0, and there is no --grpc_socket_path: nowhere to listen")
    }
    guard batchingParametersFile.isEmpty || enablesBatching else {
      throw .conflictingFlags(
        problem:
          "server_options.batching_parameters_file is set without setting server_options.enable_batching to true.")
    }
    guard shadowFraction == 0 || !upstream.isEmpty || !upstreamREST.isEmpty else {
      throw .conflictingFlags(problem: "--shadow needs --upstream: whom to compare with")
    }
    try check("port", port, in: 0...65535)
    try check("rest_api_port", restAPIPort, in: 0...65535)
    try check("rest_api_timeout_in_ms", restAPITimeoutMilliseconds, in: 1...Int(Int32.max))
    try check("max_num_load_retries", maxLoadRetries, in: 0...Int(Int32.max))
    try check("load_retry_interval_micros", Int(loadRetryIntervalMicroseconds), in: 0...Int.max)
    try check("num_request_iterations_for_warmup", warmupIterations, in: 0...Int(Int32.max))
    try check("threads", threads, in: 0...4096)
    try check("shadow", shadowFraction, in: 0...1)
    if let accuracy { try check("apparate_accuracy", accuracy, in: 0...1) }
    if let rampBudget { try check("apparate_ramp_budget", rampBudget, in: 0...1) }
    try check("apparate_drain_seconds", drainSeconds, in: 0...86_400)
    if let clockworkPort { try check("clockwork_port", clockworkPort, in: 0...65535) }
  }

  private func check<Number: Comparable>(
    _ name: String, _ value: Number, in range: ClosedRange<Number>
  ) throws(ConfigurationError) {
    guard range.contains(value) else {
      throw .invalidFlag(
        name: name, expected: "a number from \(range.lowerBound) to \(range.upperBound)", got: "\(value)")
    }
  }
}
