import NIOHTTP2

/// What ends a connection: the peer does not speak HTTP/2, or takes too much.
struct ConnectionError: Error {
  let code: HTTP2ErrorCode
  /// For a person; sent with GOAWAY.
  let reason: String

  init(_ code: HTTP2ErrorCode, _ reason: String) {
    self.code = code
    self.reason = reason
  }
}
