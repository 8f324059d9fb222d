/// `tensorflow.serving.MonitoringConfig`, from `--monitoring_config_file`.
public struct MonitoringConfig: Equatable, Sendable {
  public static let defaultPath = "/monitoring/prometheus/metrics"

  public var isPrometheusEnabled = false
  /// On the REST port.
  public var prometheusPath = defaultPath

  public init() {}

  static let messageName = "tensorflow.serving.MonitoringConfig"

  public static func read(path: String) throws(ConfigurationError) -> Self { try parse(ConfigurationFile.read(path)) }

  /// - Parameter text: in protobuf's text format.
  public static func parse(_ text: [UInt8]) throws(ConfigurationError) -> Self {
    let message = try TypedTextMessage.parse(text, as: messageName, fields: ["prometheus_config"])
    var config = Self()
    guard
      let prometheus = try message.message(
        "prometheus_config", type: "tensorflow.serving.PrometheusConfig", fields: ["enable", "path"])
    else { return config }
    config.isPrometheusEnabled = try prometheus.bool("enable") ?? false
    if let path = try prometheus.string("path"), !path.isEmpty {
      config.prometheusPath = path.hasPrefix("/") ? path : "/" + path
    }
    return config
  }
}
