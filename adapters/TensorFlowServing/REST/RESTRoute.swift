import NIOHTTP1
import Wire

/// What a request asks for. Paths are matched as a whole, whatever their case, and without what follows a `?`.
/// Source: TensorFlow Serving's `http_rest_api_handler.cc` and `http_rest_api_util.cc`.
enum RESTRoute: Equatable {
  enum Method: String {
    case predict, classify, regress
  }

  case call(Method, ModelSpec)
  /// States of a model's versions.
  case status(ModelSpec)
  case metadata(ModelSpec)
  /// Ours.
  case models
  case health
  case readiness
  case metrics
  /// A path near the one of the metrics.
  case wrongMetricsPath(expected: String)
  /// A cross-origin client asks what it may do.
  case preflight
  /// A version that no 64 bits hold.
  case badVersion(String)
  /// Under `/v1`, and nothing that there is.
  case malformed
  case unknown

  /// - Parameter metricsPath: `nil` when there are no metrics.
  init(_ method: HTTPMethod, uri: String, metricsPath: String?) {
    let path = String(uri.prefix { $0 != "?" && $0 != "#" })
    let lower = path.lowercased()
    if method == .GET {
      switch lower {
      case "/healthz":
        self = .health
        return
      case "/readyz":
        self = .readiness
        return
      default: break
      }
    }
    if let metricsPath, method == .GET {
      if path == metricsPath {
        self = .metrics
        return
      }
      if lower.hasPrefix("/monitoring/") {
        self = .wrongMetricsPath(expected: metricsPath)
        return
      }
    }
    guard lower == "/v1" || lower.hasPrefix("/v1/") else {
      self = .unknown
      return
    }
    self = method == .OPTIONS ? .preflight : Self.model(method, path, lower) ?? .malformed
  }

  /// `/v1/models[/name[/versions/N | /labels/L]][:method | /metadata]`
  private static func model(_ method: HTTPMethod, _ path: String, _ lower: String) -> RESTRoute? {
    guard lower.hasPrefix("/v1/models") else { return nil }
    let rest = path.dropFirst("/v1/models".count)
    if rest.isEmpty { return method == .GET ? .models : nil }
    guard rest.first == "/" else { return nil }
    var tail = rest.dropFirst()
    guard let name = segment(&tail) else { return nil }
    var spec = ModelSpec(name: name)
    var overflow: String?
    if consume("/versions/", from: &tail) {
      let digits = tail.prefix { $0.isASCII && $0.isNumber }
      guard !digits.isEmpty else { return nil }
      tail = tail.dropFirst(digits.count)
      if let number = Int64(digits) { spec.version = .number(number) } else { overflow = String(digits) }
    } else if consume("/labels/", from: &tail) {
      guard let label = segment(&tail) else { return nil }
      spec.version = .label(label)
    }
    let route: RESTRoute
    switch (method, tail.lowercased()) {
    case (.GET, ""): route = .status(spec)
    case (.GET, "/metadata"): route = .metadata(spec)
    case (.POST, ":predict"): route = .call(.predict, spec)
    case (.POST, ":classify"): route = .call(.classify, spec)
    case (.POST, ":regress"): route = .call(.regress, spec)
    default: return nil
    }
    return overflow.map(RESTRoute.badVersion) ?? route
  }

  /// The model that a request is for, when it is for one.
  var modelName: String? {
    switch self {
    case .call(_, let spec), .status(let spec), .metadata(let spec): spec.name
    default: nil
    }
  }

  /// One or more characters that are neither `/` nor `:`, percent-decoded.
  private static func segment(_ text: inout Substring) -> String? {
    let segment = text.prefix { $0 != "/" && $0 != ":" }
    guard !segment.isEmpty else { return nil }
    text = text.dropFirst(segment.count)
    return percentDecoded(segment)
  }

  private static func consume(_ prefix: String, from text: inout Substring) -> Bool {
    guard text.lowercased().hasPrefix(prefix) else { return false }
    text = text.dropFirst(prefix.count)
    return true
  }

  /// A `%` that is not followed by two hexadecimal digits stands for itself.
  private static func percentDecoded(_ text: Substring) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    let bytes = Array(text.utf8)
    var decoded: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = JSONEscapes.digit(bytes[index + 1]),
        let low = JSONEscapes.digit(bytes[index + 2])
      {
        decoded.append(UInt8(high << 4 | low))
        index += 3
      } else {
        decoded.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }
}
