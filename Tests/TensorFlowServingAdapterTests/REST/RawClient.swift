import Dispatch
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// A TCP connection on which bytes are sent as they are, for what real clients do not do: dawdle, pipeline, send nonsense.
final class RawClient {
  struct Failure: Error { let reason: String }

  struct Answer {
    let status: Int
    /// Names in lower case.
    let headers: [String: String]
    let body: String
  }

  private let descriptor: Int32
  private var received: [UInt8] = []

  /// Waits are bounded by `timeout` seconds each.
  init(port: Int, timeout: Int = 30) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var limit = timeval(tv_sec: timeout, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw Failure(reason: "connect: \(String(cString: strerror(errno)))") }
  }

  deinit { close(descriptor) }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Failure(reason: "send: \(String(cString: strerror(errno)))") }
      sent += count
    }
  }

  /// The next answer, informational ones included.
  func answer(hasBody: Bool = true) throws -> Answer {
    let head = try text(until: "\r\n\r\n")
    let lines = head.components(separatedBy: "\r\n")
    guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      throw Failure(reason: "no status line: \(lines[0])")
    }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
    }
    let length = hasBody ? headers["content-length"].flatMap { Int($0) } ?? 0 : 0
    while received.count < length { try receive() }
    defer { received.removeFirst(length) }
    return Answer(status: status, headers: headers, body: String(decoding: received.prefix(length), as: UTF8.self))
  }

  /// Whether the server closes the connection, without sending anything more, before the wait is over.
  func isClosed() -> Bool {
    do {
      try receive()
      return false
    } catch { return (error as? Failure)?.reason == "closed" }
  }

  /// Ends this side of the connection for good.
  func reset() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  private func text(until end: String) throws -> String {
    let mark = Array(end.utf8)
    while true {
      if let place = received.firstRange(of: mark) {
        defer { received.removeFirst(place.upperBound) }
        return String(decoding: received[..<place.lowerBound], as: UTF8.self)
      }
      try receive()
    }
  }

  private func receive() throws {
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    let count = recv(descriptor, &chunk, chunk.count, 0)
    if count == 0 || (count < 0 && errno == ECONNRESET) { throw Failure(reason: "closed") }
    guard count > 0 else { throw Failure(reason: "recv: \(String(cString: strerror(errno)))") }
    received += chunk[..<count]
  }
}

extension RawClient {
  /// Sends a request and gives its answer.
  func call(
    _ method: String, _ path: String, headers: [String: String] = [:], _ body: [UInt8] = []
  ) throws -> Answer {
    var text = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    if !body.isEmpty || method == "POST" { text += "Content-Length: \(body.count)\r\n" }
    try send(Array((text + "\r\n").utf8) + body)
    return try answer(hasBody: method != "HEAD")
  }

  func call(_ method: String, _ path: String, headers: [String: String] = [:], _ body: String) throws -> Answer {
    try call(method, path, headers: headers, Array(body.utf8))
  }
}
