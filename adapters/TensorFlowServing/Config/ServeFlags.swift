/// The command line of `apparate serve`, which takes the place of `tensorflow_model_server` in a start script.
public struct ServeFlags: Equatable, Sendable {
  public var options = ServeOptions()
  /// What is no flag at all. Printed with the usage; the server starts all the same, as TensorFlow Serving does.
  public var unknownArguments: [String] = []
  /// Flags that were given and have no effect here.
  public var ignoredFlags: [String] = []
  /// `--version`
  public var wantsVersion = false
  /// `--help`
  public var wantsHelp = false

  /// Reads `--name=value` and bare `--bool`s. `--name value` is not a form that TensorFlow Serving takes: both parts of
  /// it end up among ``unknownArguments``. The last of several wins.
  ///
  /// - Throws: ``ConfigurationError/invalidFlag(name:expected:got:)`` for a value of the wrong kind. Nothing is said of
  ///   combinations yet, see ``ServeOptions/validate()``.
  public init(_ arguments: some Sequence<String>) throws(ConfigurationError) {
    for argument in arguments {
      guard argument.hasPrefix("--") else {
        unknownArguments.append(argument)
        continue
      }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      let value = parts.count == 2 ? String(parts[1]) : nil
      switch (name, value) {
      case ("version", nil): wantsVersion = true
      case ("help", nil): wantsHelp = true
      default:
        guard let flag = Self.byName[name], try flag.apply(value, to: &options) else {
          unknownArguments.append(argument)
          continue
        }
        if flag.isIgnored { ignoredFlags.append(name) }
      }
    }
  }

  /// In the form of TensorFlow's usage: name, default, kind, meaning.
  public static func usage(program: String) -> String {
    let defaults = ServeOptions()
    var text = "usage: \(program)\nFlags:\n"
    for flag in all {
      let shown = "--\(flag.name)=\(flag.value(in: defaults))"
      let padding = String(repeating: " ", count: max(0, 40 - shown.count))
      text += "\t\(shown)\(padding)\t\(flag.kind.rawValue)\t\(flag.isIgnored ? "Accepted and ignored." : flag.help)\n"
    }
    return text
  }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  private static let all: [ServeFlag] = listening + models + calls + ours + ignored

  private static let listening = [
    ServeFlag("port", .integer(\.port), "TCP port for gRPC; 0: none."),
    ServeFlag("grpc_socket_path", .string(\.grpcSocketPath), "Path of a unix socket for gRPC, besides the port."),
    ServeFlag("rest_api_port", .integer(\.restAPIPort), "TCP port for HTTP/REST; 0: none. Must differ from --port."),
    ServeFlag("rest_api_num_threads", .optionalInteger(\.restAPIThreads), "Threads for HTTP/REST."),
    ServeFlag("rest_api_timeout_in_ms", .integer(\.restAPITimeoutMilliseconds), "Time that a REST call may take."),
    ServeFlag("rest_api_enable_cors_support", .bool(\.enablesCORS), "Send CORS headers with REST answers."),
    ServeFlag(
      "grpc_channel_arguments", .string(\.grpcChannelArguments),
      "key=value,key=value; those that gRPC knows and we do not are ignored."),
    ServeFlag("grpc_max_threads", .optionalInteger(\.grpcMaxThreads), "Threads for gRPC."),
    ServeFlag(
      "enable_grpc_healthcheck_service", .bool(\.enablesHealthService), "The service grpc.health.v1.Health."),
    ServeFlag("ssl_config_file", .string(\.sslConfigFile), "Text protobuf SSLConfig; gRPC then speaks TLS."),
  ]

  private static let models = [
    ServeFlag("model_name", .string(\.modelName), "Name of the model at --model_base_path."),
    ServeFlag("model_base_path", .string(\.modelBasePath), "Directory with one model's versions."),
    ServeFlag("model_config_file", .string(\.modelConfigFile), "Text protobuf ModelServerConfig, for several models."),
    ServeFlag(
      "model_config_file_poll_wait_seconds", .integer(\.modelConfigFilePollSeconds),
      "Seconds between readings of the file; 0: it is read once."),
    ServeFlag(
      "file_system_poll_wait_seconds", .integer(\.fileSystemPollSeconds),
      "Seconds between looks for new versions; 0: one look; negative: none."),
    ServeFlag(
      "allow_version_labels_for_unavailable_models", .bool(\.allowsVersionLabelsForUnavailableModels),
      "Let labels name versions that are not available yet, unless that would move a label."),
    ServeFlag("max_num_load_retries", .integer(\.maxLoadRetries), "How often a failed load is tried again."),
    ServeFlag(
      "load_retry_interval_micros", .long(\.loadRetryIntervalMicroseconds), "Microseconds between such tries."),
    ServeFlag("num_load_threads", .integer(\.loadThreads), "Threads that load models; 0 means 1."),
    ServeFlag("num_unload_threads", .integer(\.unloadThreads), "Threads that unload models."),
    ServeFlag("enable_model_warmup", .bool(\.enablesWarmup), "Replay the warm-up file before a version is available."),
    ServeFlag(
      "num_request_iterations_for_warmup", .integer(\.warmupIterations), "How often it is replayed; 0 means 1."),
    ServeFlag("saved_model_tags", .string(\.savedModelTags), "Tags of the graph to load, comma separated."),
  ]

  private static let calls = [
    ServeFlag("enable_batching", .bool(\.enablesBatching), "Run requests together."),
    ServeFlag(
      "batching_parameters_file", .string(\.batchingParametersFile), "Text protobuf BatchingParameters."),
    ServeFlag(
      "enable_per_model_batching_parameters", .bool(\.enablesPerModelBatchingParameters),
      "Read batching_params.pbtxt in each version's directory."),
    ServeFlag(
      "enable_serialization_as_tensor_content", .bool(\.serializesAsTensorContent),
      "Answer over gRPC with tensor_content in place of typed fields."),
    ServeFlag(
      "enable_signature_method_name_check", .bool(\.checksSignatureMethodName),
      "Refuse calls whose signature is for another method."),
    ServeFlag("monitoring_config_file", .string(\.monitoringConfigFile), "Text protobuf MonitoringConfig."),
  ]

  private static let ours = [
    ServeFlag("device", .string(\.device), "OpenCL device: gpu, cpu, PLATFORM:DEVICE, or part of a name."),
    ServeFlag("threads", .integer(\.threads), "Threads of a CPU device; 0: all cores."),
    ServeFlag("upstream", .string(\.upstream), "host:port (gRPC) of a TensorFlow Serving for all other models."),
    ServeFlag("upstream_rest", .string(\.upstreamREST), "host:port (REST) of the same."),
    ServeFlag("shadow", .double(\.shadowFraction), "Share of calls that is also sent upstream and compared."),
    ServeFlag("apparate_bootstrap", .onOff(\.bootstraps), "Train ramps from live traffic for models without."),
    ServeFlag("apparate_exits", .onOff(\.allowsExits), "Let sure answers leave early."),
    ServeFlag(
      "apparate_accuracy", .optionalDouble(\.accuracy),
      "Share of answers that must be the model's own; without it what the model was prepared for."),
    ServeFlag(
      "apparate_ramp_budget", .optionalDouble(\.rampBudget),
      "Share by which ramps may lengthen a whole run; without it what the model was prepared for."),
    ServeFlag("apparate_guarantee", .guarantee(\.guarantee), "certified, bounded or window."),
    ServeFlag(
      "apparate_state_dir", .string(\.stateDirectory),
      "Where to keep what is learnt of models whose own directories cannot be written to."),
    ServeFlag("apparate_drain_seconds", .integer(\.drainSeconds), "Time for calls under way to finish at the end."),
    ServeFlag(
      "clockwork_port", .optionalInteger(\.clockworkPort), "Also be a worker for Clockwork's controllers here."),
    ServeFlag(
      "clockwork_model_root", .string(\.clockworkModelRoot),
      "Directory that controllers' model paths start from; without it the one that holds the first model's."),
  ]

  private static let ignored =
    ignoredBools.map { ServeFlag($0, .ignored(.bool), "") }
    + ignoredInt64s.map { ServeFlag($0, .ignored(.int64), "") }
    + ignoredStrings.map { ServeFlag($0, .ignored(.string), "") }
    + [ServeFlag("per_process_gpu_memory_fraction", .ignored(.float), "")]

  private static let ignoredBools = [
    "flush_filesystem_caches", "remove_unused_fields_from_bundle_metagraph", "prefer_tflite_model", "use_tflite_model",
    "enable_profiler", "use_alts_credentials", "xla_cpu_compilation_enabled", "xla_gpu_compilation_enabled",
    "skip_initialize_tpu", "enforce_session_run_timeout", "use_tfrt",
  ]

  private static let ignoredInt64s = [
    "tensorflow_session_parallelism", "tensorflow_intra_op_parallelism", "tensorflow_inter_op_parallelism",
    "num_tflite_pools", "num_tflite_interpreters_per_pool",
  ]

  private static let ignoredStrings = [
    "tensorflow_session_config_file", "thread_pool_factory_config_file", "mixed_precision", "platform_config_file",
  ]
}
