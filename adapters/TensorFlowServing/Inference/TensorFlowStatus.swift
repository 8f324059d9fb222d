import RPC

/// Why a call failed, as TensorFlow-Serving's clients are told it: a canonical code and a text that some of them look
/// into. gRPC and REST say the same.
public struct TensorFlowStatus: Error, Hashable, Sendable, CustomStringConvertible {
  /// The canonical codes: gRPC's, whose numbers `tensorflow.error.Code` shares.
  public typealias Code = Status.Code

  public var code: Code
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { "\(code.name): \(message)" }

  static func invalid(_ message: String) -> TensorFlowStatus { TensorFlowStatus(.invalidArgument, message) }
}
