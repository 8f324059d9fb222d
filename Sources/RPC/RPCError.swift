/// Why a server or client cannot be set up. What goes wrong with one call is a ``Status``.
public enum RPCError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The operating system refuses the address.
  case cannotListen(address: String, reason: String)
  case noAddress
  /// `what` names the PEM text: "server_cert".
  case unreadablePEM(what: String, reason: String)
  /// Key and certificate do not make a TLS context, for example because they do not belong together.
  case invalidCredentials(reason: String)
  case malformedDescriptors(reason: String)

  public var description: String {
    switch self {
    case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
    case .noAddress: "no address to listen on: give a TCP port or the path of a unix socket"
    case .unreadablePEM(let what, let reason): "\(what) is not PEM text that can be read: \(reason)"
    case .invalidCredentials(let reason): "the TLS key and certificates cannot be used: \(reason)"
    case .malformedDescriptors(let reason): "the descriptors for server reflection cannot be read: \(reason)"
    }
  }
}
