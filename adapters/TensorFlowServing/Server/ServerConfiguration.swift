import RPC
import Serving

/// What the flags say, with the files that they name read and checked.
public struct ServerConfiguration: Sendable {
  public var options: ServeOptions
  public var models: [ModelConfiguration]
  /// `nil`: requests run each for itself.
  public var batching: BatchingParameters?
  public var monitoring: MonitoringConfig
  /// `nil`: gRPC in the clear.
  public var tls: ServerTLS?
  /// Where to listen for gRPC.
  public var grpc: [Endpoint]
  /// Where to listen for REST: at the first of these that the system allows. Empty: nowhere.
  public var rest: [Endpoint]
  public var upstream: Endpoint?
  public var upstreamREST: Endpoint?
  /// What is odd about the flags but no reason not to start.
  public private(set) var remarks: [String] = []

  public init(_ options: ServeOptions) throws(ConfigurationError) {
    try options.validate()
    self.options = options
    // As in TensorFlow Serving, the file takes the place of the other two flags.
    if options.modelConfigFile.isEmpty {
      models = [ModelConfiguration(name: options.modelName, basePath: options.modelBasePath)]
    } else {
      models = try ModelServerConfig.read(path: options.modelConfigFile).models()
    }
    batching = try Self.batching(options)
    var monitoring = MonitoringConfig()
    // TensorFlow Serving has no metrics without the file. Here they are there unless the file says otherwise: without
    // them nobody sees what exits do.
    monitoring.isPrometheusEnabled = true
    if !options.monitoringConfigFile.isEmpty { monitoring = try .read(path: options.monitoringConfigFile) }
    self.monitoring = monitoring
    tls = options.sslConfigFile.isEmpty ? nil : try ServerTLS(SSLConfig.read(path: options.sslConfigFile))
    grpc = options.port == 0 ? [] : [.tcp(host: "0.0.0.0", port: options.port)]
    if !options.grpcSocketPath.isEmpty { grpc.append(.unix(path: options.grpcSocketPath)) }
    if options.restAPIPort == 0 {
      rest = []
    } else if options.restAPIPort == options.port {
      rest = []
      remarks.append("--rest_api_port must differ from --port: there is no REST")
    } else {
      // All interfaces; machines without IPv6 have the second.
      rest = ["::", "0.0.0.0"].map { .tcp(host: $0, port: options.restAPIPort) }
    }
    upstream = try Self.endpoint(options.upstream, flag: "upstream")
    upstreamREST = try Self.endpoint(options.upstreamREST, flag: "upstream_rest")
  }

  private static func batching(_ options: ServeOptions) throws(ConfigurationError) -> BatchingParameters? {
    guard options.enablesBatching else { return nil }
    return options.batchingParametersFile.isEmpty
      ? BatchingParameters() : try BatchingParameters.read(path: options.batchingParametersFile)
  }

  private static func endpoint(_ text: String, flag: String) throws(ConfigurationError) -> Endpoint? {
    if text.isEmpty { return nil }
    guard let endpoint = Endpoint(text) else {
      throw .invalidFlag(name: flag, expected: "host:port or unix:path", got: text)
    }
    return endpoint
  }

  // MARK: What parts of the server are told

  var repositoryOptions: ModelRepository.Options {
    var repository = ModelRepository.Options()
    switch options.fileSystemPollSeconds {
    case 0: repository.polling = .once
    case ..<0: repository.polling = .never
    case let seconds: repository.polling = .every(.seconds(seconds))
    }
    repository.maxLoadRetries = options.maxLoadRetries
    repository.loadRetryInterval = .microseconds(options.loadRetryIntervalMicroseconds)
    repository.loadThreads = max(1, options.loadThreads)
    repository.allowsLabelsForUnavailableVersions = options.allowsVersionLabelsForUnavailableModels
    return repository
  }

  /// Those of `--grpc_channel_arguments` that have a meaning here.
  var limits: ServerLimits {
    var limits = ServerLimits()
    func number(_ key: String) -> Int? { options.grpcChannelArgument(key).flatMap { Int($0) } }
    if let bytes = number("grpc.max_receive_message_length"), bytes >= 0 { limits.messageBytes = bytes }
    if let calls = number("grpc.max_concurrent_streams"), calls > 0 { limits.concurrentCallsPerConnection = calls }
    if let bytes = number("grpc.max_metadata_size"), bytes > 0 { limits.headerBytes = bytes }
    if let time = number("grpc.max_connection_idle_ms"), time > 0 { limits.idle = .milliseconds(time) }
    if let time = number("grpc.keepalive_time_ms"), time > 0 { limits.keepaliveAfter = .milliseconds(time) }
    if let time = number("grpc.keepalive_timeout_ms"), time > 0 { limits.keepaliveTimeout = .milliseconds(time) }
    return limits
  }
}

extension ServerTLS {
  init(_ config: SSLConfig) throws(ConfigurationError) {
    do {
      try self.init(
        key: config.serverKey, certificate: config.serverCertificate,
        customCA: config.customAuthority.isEmpty ? nil : config.customAuthority,
        verifiesClients: config.verifiesClients)
    } catch { throw .invalid(message: SSLConfig.messageName, problem: "\(error)") }
  }
}
