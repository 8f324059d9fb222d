import NIOHPACK

/// The headers of a request, checked, with those that every call is looked at for.
///
/// RFC 9113, 8.2 and 8.3: what a peer may not send is malformed, lest it mean one thing here and another to a server
/// behind.
struct RequestHead {
  let headers: HPACKHeaders
  private(set) var method = ""
  private(set) var path = ""
  private(set) var contentType: String?
  private(set) var timeout: String?
  private(set) var encoding: String?

  /// Nil for a malformed request.
  init?(_ headers: HPACKHeaders) {
    self.headers = headers
    var (hasScheme, hasAuthority, pseudoHeadersEnded) = (false, false, false)
    for (name, value, _) in headers {
      guard Self.isValue(value) else { return nil }
      if name.utf8.first == UInt8(ascii: ":") {
        guard !pseudoHeadersEnded else { return nil }
        switch name {
        case ":method":
          guard method.isEmpty, !value.isEmpty else { return nil }
          method = value
        case ":path":
          guard path.isEmpty, !value.isEmpty else { return nil }
          path = value
        case ":scheme":
          guard !hasScheme else { return nil }
          hasScheme = true
        case ":authority":
          guard !hasAuthority else { return nil }
          hasAuthority = true
        default: return nil
        }
        continue
      }
      pseudoHeadersEnded = true
      guard Self.isField(name, value) else { return nil }
      switch name {
      case "content-type": contentType = contentType ?? value
      case "grpc-timeout": timeout = timeout ?? value
      case "grpc-encoding": encoding = encoding ?? value
      default: break
      }
    }
    guard !method.isEmpty, !path.isEmpty, hasScheme else { return nil }
  }

  /// Whether trailers are well-formed.
  static func areTrailers(_ headers: HPACKHeaders) -> Bool {
    headers.allSatisfy { name, value, _ in isValue(value) && isField(name, value) }
  }

  /// A name in lower case, of a header that HTTP/2 has.
  private static func isField(_ name: String, _ value: String) -> Bool {
    guard !name.isEmpty, name.utf8.allSatisfy({ isNameByte[Int($0)] }) else { return false }
    switch name {
    case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade": return false
    case "te": return value == "trailers"
    default: return true
    }
  }

  private static func isValue(_ value: String) -> Bool {
    value.utf8.allSatisfy { $0 != 0 && $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
  }

  /// The characters of a token, RFC 9110, 5.6.2, but for capitals.
  private static let isNameByte: [Bool] = (0..<256).map { byte in
    switch UInt8(byte) {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case let byte: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
