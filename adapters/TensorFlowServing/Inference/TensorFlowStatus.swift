/// Why a call failed, as TensorFlow-Serving's clients are told it: a canonical code and a text that some of them look
/// into. gRPC and REST say the same.
public struct TensorFlowStatus: Error, Hashable, Sendable, CustomStringConvertible {
  /// The canonical codes: numbers are those of gRPC and of `tensorflow.error.Code`.
  public enum Code: Int, Sendable {
    case ok = 0
    case cancelled = 1
    case unknown = 2
    case invalidArgument = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case aborted = 10
    case outOfRange = 11
    case unimplemented = 12
    case internalError = 13
    case unavailable = 14
    case dataLoss = 15
    case unauthenticated = 16

    /// `INVALID_ARGUMENT` and the like.
    public var name: String { Self.names[rawValue] }

    private static let names = [
      "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
      "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
      "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]
  }

  public var code: Code
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { "\(code.name): \(message)" }

  static func invalid(_ message: String) -> TensorFlowStatus { TensorFlowStatus(.invalidArgument, message) }
}
