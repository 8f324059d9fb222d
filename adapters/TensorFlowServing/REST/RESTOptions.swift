import NIOCore
import Serving

/// How the REST face behaves, and what it tells of the rest of the server.
public struct RESTOptions: Sendable {
  /// How long a call may take. `--rest_api_timeout_in_ms`
  public var timeout: Duration = .seconds(30)
  /// `--rest_api_enable_cors_support`
  public var enablesCORS = false
  /// Where Prometheus' text is; `nil`: nowhere.
  public var metricsPath: String?
  public var registry: MetricsRegistry?
  public var metrics: ServingMetrics?
  /// Whom to compare answers with.
  public var shadow: Shadow?
  /// For `GET /v1/models`.
  public var modelNames: @Sendable () -> [String] = { [] }
  /// For `GET /readyz`.
  public var isReady: @Sendable () -> Bool = { true }

  public init() {}
}

extension Duration {
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue + attoseconds / 1_000_000_000
  }
}
