import Testing

@testable import TensorFlowServingAdapter

@Suite("The flags of tensorflow_model_server")
struct ServeFlagsTests {
  @Test("without flags the defaults are TensorFlow Serving's")
  func defaults() throws {
    let options = try ServeFlags([]).options
    #expect(options.port == 8500)
    #expect(options.restAPIPort == 0)
    #expect(options.restAPITimeoutMilliseconds == 30_000)
    #expect(options.modelName == "default")
    #expect(options.fileSystemPollSeconds == 1)
    #expect(options.modelConfigFilePollSeconds == 0)
    #expect(options.maxLoadRetries == 5)
    #expect(options.loadRetryIntervalMicroseconds == 60_000_000)
    #expect(options.enablesWarmup)
    #expect(!options.enablesBatching)
  }

  @Test("a start script's flags are read")
  func startScript() throws {
    let flags = try ServeFlags([
      "--port=9000", "--rest_api_port=8501", "--model_name=m", "--model_base_path=/models/m", "--enable_batching",
      "--batching_parameters_file=/etc/b=c.txt", "--rest_api_enable_cors_support=true", "--enable_model_warmup=false",
      "--grpc_socket_path=/tmp/s", "--file_system_poll_wait_seconds=-1", "--load_retry_interval_micros=500",
      "--grpc_channel_arguments=grpc.max_connection_age_ms=2000,grpc.lb_policy_name=grpclb", "--upstream=tfs:8500",
      "--shadow=0.25", "--apparate_bootstrap=off", "--apparate_accuracy=0.95", "--device=gpu", "--threads=2",
      "--rest_api_num_threads=3",
    ])
    let options = flags.options
    #expect(flags.unknownArguments.isEmpty)
    #expect(flags.ignoredFlags.isEmpty)
    #expect(options.port == 9000)
    #expect(options.restAPIPort == 8501)
    #expect(options.modelName == "m")
    #expect(options.modelBasePath == "/models/m")
    #expect(options.enablesBatching)
    #expect(options.batchingParametersFile == "/etc/b=c.txt")
    #expect(options.enablesCORS)
    #expect(!options.enablesWarmup)
    #expect(options.grpcSocketPath == "/tmp/s")
    #expect(options.fileSystemPollSeconds == -1)
    #expect(options.loadRetryIntervalMicroseconds == 500)
    #expect(options.grpcChannelArgument("grpc.max_connection_age_ms") == "2000")
    #expect(options.grpcChannelArgument("grpc.so_reuseport") == nil)
    #expect(options.upstream == "tfs:8500")
    #expect(options.shadowFraction == 0.25)
    #expect(!options.bootstraps)
    #expect(options.accuracy == 0.95)
    #expect(options.device == "gpu")
    #expect(options.threads == 2)
    #expect(options.restAPIThreads == 3)
    try options.validate()
  }

  @Test("what is not --name=value is unknown, and the rest counts")
  func unknownArguments() throws {
    let flags = try ServeFlags(["--port", "8500", "--nonsense=1", "-port=1", "--model_base_path=/m", "serve"])
    #expect(flags.unknownArguments == ["--port", "8500", "--nonsense=1", "-port=1", "serve"])
    #expect(flags.options.port == 8500)
    #expect(flags.options.modelBasePath == "/m")
  }

  @Test("flags without meaning here are accepted and named")
  func ignoredFlags() throws {
    let flags = try ServeFlags([
      "--tensorflow_session_parallelism=4", "--prefer_tflite_model=true", "--enable_profiler",
      "--xla_cpu_compilation_enabled",
      "--per_process_gpu_memory_fraction=0.5", "--thread_pool_factory_config_file=/x",
    ])
    #expect(flags.unknownArguments.isEmpty)
    #expect(flags.ignoredFlags.count == 6)
  }

  @Test("the last of several wins")
  func repeated() throws {
    #expect(try ServeFlags(["--port=1", "--port=2"]).options.port == 2)
  }

  @Test("a value of the wrong kind is an error that names the flag")
  func wrongValues() {
    for (argument, name) in [
      ("--port=abc", "port"), ("--port=", "port"), ("--port=99999999999", "port"),
      ("--enable_batching=maybe", "enable_batching"),
      ("--shadow=nan", "shadow"), ("--apparate_bootstrap=perhaps", "apparate_bootstrap"),
      ("--tensorflow_session_parallelism=x", "tensorflow_session_parallelism"),
    ] {
      let error = #expect(throws: ConfigurationError.self, "\(argument)") { try ServeFlags([argument]) }
      #expect(error?.description.contains("for flag \(name):") == true, "\(argument)")
    }
  }

  @Test("flags that contradict each other are refused")
  func combinations() {
    let cases: [([String], String)] = [
      ([], "Both server_options.model_base_path and server_options.model_config_file are empty!"),
      (["--model_base_path=/m", "--port=0"], "nowhere to listen"),
      (["--model_base_path=/m", "--port=70000"], "port"),
      (["--model_base_path=/m", "--batching_parameters_file=/b"], "without setting server_options.enable_batching"),
      (["--model_base_path=/m", "--shadow=0.1"], "--upstream"),
      (["--model_base_path=/m", "--upstream=h:1", "--shadow=2"], "0.0 to 1.0"),
      (["--model_base_path=/m", "--rest_api_timeout_in_ms=0"], "rest_api_timeout_in_ms"),
    ]
    for (arguments, part) in cases {
      let error = #expect(throws: ConfigurationError.self, "\(arguments)") {
        try ServeFlags(arguments).options.validate()
      }
      #expect(error?.description.contains(part) == true, "\(arguments): \(String(describing: error))")
    }
  }

  @Test("--version and --help are told apart from flags")
  func informational() throws {
    #expect(try ServeFlags(["--version"]).wantsVersion)
    #expect(try ServeFlags(["--help"]).wantsHelp)
    let usage = ServeFlags.usage(program: "apparate serve")
    #expect(usage.contains("\t--port=8500"))
    #expect(usage.contains("\t--model_name=\"default\""))
    #expect(usage.contains("\t--apparate_bootstrap=on"))
  }
}
