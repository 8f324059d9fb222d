import NIOSSL

/// Key and certificates of a server, from PEM texts, as TensorFlow Serving's `ssl_config_file` has them. TLS 1.2 or newer.
public struct ServerTLS: Sendable {
  let context: NIOSSLContext

  /// - Parameters:
  ///   - certificate: The server's certificate, followed by those that lead to a root, if any.
  ///   - customCA: The roots that clients' certificates are checked against; nil: the system's.
  ///   - verifiesClients: Whether clients must show a certificate.
  ///   - applicationProtocols: What ALPN offers.
  public init(
    key: String, certificate: String, customCA: String? = nil, verifiesClients: Bool = false,
    applicationProtocols: [String] = ["h2"]
  ) throws(RPCError) {
    let chain = try PEM.certificates(certificate, what: "server_cert")
    let privateKey = try PEM.key(key, what: "server_key")
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = applicationProtocols
    if let customCA { configuration.trustRoots = .certificates(try PEM.certificates(customCA, what: "custom_ca")) }
    if verifiesClients {
      // A client has no host name to check.
      configuration.certificateVerification = .noHostnameVerification
    }
    context = try PEM.context(configuration)
  }
}

/// What a client trusts, and who it is.
public struct ClientTLS: Sendable {
  let context: NIOSSLContext

  /// - Parameters:
  ///   - customCA: Roots in PEM; nil: the system's.
  ///   - identity: Certificate and key in PEM, for servers that ask for them.
  public init(customCA: String? = nil, identity: (certificate: String, key: String)? = nil) throws(RPCError) {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["h2"]
    if let customCA { configuration.trustRoots = .certificates(try PEM.certificates(customCA, what: "custom_ca")) }
    if let identity {
      configuration.certificateChain = try PEM.certificates(identity.certificate, what: "client_cert")
        .map { .certificate($0) }
      configuration.privateKey = .privateKey(try PEM.key(identity.key, what: "client_key"))
    }
    context = try PEM.context(configuration)
  }
}

private enum PEM {
  static func certificates(_ text: String, what: String) throws(RPCError) -> [NIOSSLCertificate] {
    do {
      return try NIOSSLCertificate.fromPEMBytes(Array(text.utf8))
    } catch {
      throw .unreadablePEM(what: what, reason: "\(error)")
    }
  }

  static func key(_ text: String, what: String) throws(RPCError) -> NIOSSLPrivateKey {
    do {
      return try NIOSSLPrivateKey(bytes: Array(text.utf8), format: .pem)
    } catch {
      throw .unreadablePEM(what: what, reason: "\(error)")
    }
  }

  static func context(_ configuration: TLSConfiguration) throws(RPCError) -> NIOSSLContext {
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw .invalidCredentials(reason: "\(error)")
    }
  }
}
