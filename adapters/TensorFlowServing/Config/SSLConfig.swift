/// `tensorflow.serving.SSLConfig`, from `--ssl_config_file`: PEM *contents*, not paths.
public struct SSLConfig: Equatable, Sendable {
  public var serverKey: String
  public var serverCertificate: String
  /// Whom to trust for client certificates; the system's authorities when empty.
  public var customAuthority: String
  /// Whether a client must show a certificate.
  public var verifiesClients: Bool

  static let messageName = "tensorflow.serving.SSLConfig"

  public static func read(path: String) throws(ConfigurationError) -> Self { try parse(ConfigurationFile.read(path)) }

  /// - Parameter text: in protobuf's text format.
  public static func parse(_ text: [UInt8]) throws(ConfigurationError) -> Self {
    let message = try TypedTextMessage.parse(
      text, as: messageName, fields: ["server_key", "server_cert", "custom_ca", "client_verify"])
    let config = Self(
      serverKey: try message.string("server_key") ?? "", serverCertificate: try message.string("server_cert") ?? "",
      customAuthority: try message.string("custom_ca") ?? "",
      verifiesClients: try message.bool("client_verify") ?? false
    )
    guard !config.serverKey.isEmpty, !config.serverCertificate.isEmpty else {
      throw .invalid(message: messageName, problem: "server_key and server_cert must both be set")
    }
    return config
  }
}
