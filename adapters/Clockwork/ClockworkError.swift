import Wire

/// What goes wrong between the peers of a Clockwork cluster.
public enum ClockworkError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The operating system refuses something of a socket; `reason` is its own text.
  case socket(operation: String, reason: String)
  /// A name that does not resolve, or an address that is none.
  case unknownHost(String)
  /// The peer ended the connection, between two frames or within one.
  case connectionClosed
  /// The peer took no bytes for so long that the connection was given up, or too many wait for it.
  case peerTooSlow(waitingBytes: Int)
  /// A frame that the protocol does not allow.
  case malformedFrame(reason: String)
  /// No answer came within the time that the caller allowed.
  case timedOut(what: String, seconds: Double)
  /// A peer broke a rule that the original would stop at, or worse, not notice.
  case violation(String)
  /// A controller answered a request with another status than 0.
  case refused(status: Int32, message: String)
  case invalidConfiguration(String)

  public var description: String {
    switch self {
    case .socket(let operation, let reason): "\(operation): \(reason)"
    case .unknownHost(let host): "cannot find host \(host)"
    case .connectionClosed: "the peer closed the connection"
    case .peerTooSlow(let waiting): "the peer takes no more bytes, \(waiting) wait for it"
    case .malformedFrame(let reason): "malformed frame: \(reason)"
    case .timedOut(let what, let seconds): "\(what): no answer within \(seconds) s"
    case .violation(let what): "protocol violation: \(what)"
    case .refused(let status, let message): "refused with status \(status): \(message)"
    case .invalidConfiguration(let what): what
    }
  }
}
