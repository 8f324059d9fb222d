/// Where a server listens.
public enum Endpoint: Sendable, Hashable, CustomStringConvertible {
  /// `host` is a name or an address; port 0 lets the system choose one.
  case tcp(host: String, port: Int)
  case unix(path: String)

  /// Reads `host:port`, `[IPv6]:port` and `unix:path`.
  public init?(_ text: String) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      guard !path.isEmpty else { return nil }
      self = .unix(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65535).contains(port)
    else { return nil }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    guard !host.isEmpty else { return nil }
    self = .tcp(host: host, port: port)
  }

  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  /// For the header `:authority`.
  var authority: String {
    switch self {
    case .tcp: description
    case .unix: "localhost"
    }
  }
}
