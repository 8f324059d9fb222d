import NIOCore
import NIOHTTP1

/// An answer before it has a connection to go out by.
struct RESTResponse: Sendable {
  var status: HTTPResponseStatus
  /// Without those that frame the body.
  var headers: HTTPHeaders
  var body: ByteBuffer

  init(status: HTTPResponseStatus, headers: HTTPHeaders, body: ByteBuffer) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  init(_ status: HTTPResponseStatus = .ok, contentType: String = "application/json", _ body: [UInt8]) {
    self.init(status: status, headers: ["Content-Type": contentType], body: ByteBuffer(bytes: body))
  }

  init(_ status: HTTPResponseStatus, contentType: String, text: String) {
    self.init(status, contentType: contentType, Array(text.utf8))
  }

  init(_ error: TensorFlowStatus) { self.init(error.code.httpStatus, AnswerJSON.error(error.message)) }
}

extension TensorFlowStatus.Code {
  /// TensorFlow Serving's table.
  var httpStatus: HTTPResponseStatus {
    switch self {
    case .ok: .ok
    case .invalidArgument, .failedPrecondition, .outOfRange: .badRequest
    case .unauthenticated: .unauthorized
    case .permissionDenied: .forbidden
    case .notFound: .notFound
    case .alreadyExists, .aborted: .conflict
    case .resourceExhausted: .tooManyRequests
    case .cancelled: .custom(code: 499, reasonPhrase: "Client Closed Request")
    case .unimplemented: .notImplemented
    case .unavailable: .serviceUnavailable
    case .deadlineExceeded: .gatewayTimeout
    case .unknown, .internalError, .dataLoss: .internalServerError
    }
  }
}
