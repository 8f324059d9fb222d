import RPC
import Serving

/// Why the server does not start.
public enum ServerStartError: Error, Sendable, CustomStringConvertible {
  case configuration(ConfigurationError)
  /// The models did not come up, or not all.
  case models(TensorFlowStatus)
  case network(RPCError)

  public var description: String {
    switch self {
    case .configuration(let error): error.description
    case .models(let status): status.description
    case .network(let error): error.description
    }
  }
}
