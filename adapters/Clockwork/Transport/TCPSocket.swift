import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A connected TCP socket, without Nagle's delay. One thread may read while another writes; it is closed when nobody
/// refers to it any more.
final class TCPSocket: ByteSource, Sendable {
  private let descriptor: Int32
  /// Who is at the other end, for logs.
  let peer: String

  init(adopting descriptor: Int32, peer: String) {
    self.descriptor = descriptor
    self.peer = peer
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { close(descriptor) }

  /// Connects to the first IPv4 address of `host`, as Clockwork does.
  static func connect(host: String, port: UInt16, timeout: Duration = .seconds(10)) throws(ClockworkError) -> TCPSocket
  {
    let address = try resolve(host, port)
    let descriptor = socket(AF_INET, Self.streamType, 0)
    guard descriptor >= 0 else { throw .socket(operation: "socket", reason: systemError()) }
    let connected = TCPSocket(adopting: descriptor, peer: "\(host):\(port)")
    // Also bounds the time to connect.
    connected.setTimeout(SO_SNDTIMEO, timeout)
    var place = address
    let code = withUnsafePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Self.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else { throw .socket(operation: "connect to \(host):\(port)", reason: systemError()) }
    return connected
  }

  private static func connect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
    #if canImport(Glibc)
      Glibc.connect(descriptor, address, size)
    #elseif canImport(Musl)
      Musl.connect(descriptor, address, size)
    #else
      Darwin.connect(descriptor, address, size)
    #endif
  }

  #if canImport(Glibc)
    static let streamType = Int32(SOCK_STREAM.rawValue)
  #else
    static let streamType = SOCK_STREAM
  #endif

  private static func resolve(_ host: String, _ port: UInt16) throws(ClockworkError) -> sockaddr_in {
    var hints = addrinfo()
    hints.ai_family = AF_INET
    hints.ai_socktype = streamType
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &found) == 0, let first = found, let place = first.pointee.ai_addr else {
      throw .unknownHost(host)
    }
    defer { freeaddrinfo(first) }
    var address = place.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee }
    address.sin_port = port.bigEndian
    return address
  }

  // MARK: Bytes

  /// Waits until bytes are there; 0 at the end of the stream.
  /// - Throws: ``ClockworkError/timedOut(what:seconds:)`` when ``setReadTimeout(_:)`` has set a bound.
  func read(into target: UnsafeMutableRawBufferPointer) throws(ClockworkError) -> Int {
    while true {
      let count = recv(descriptor, target.baseAddress, target.count, 0)
      if count >= 0 { return count }
      switch errno {
      case EINTR: continue
      case EAGAIN, EWOULDBLOCK: throw .timedOut(what: "read from \(peer)", seconds: 0)
      default: throw .socket(operation: "read from \(peer)", reason: Self.systemError())
      }
    }
  }

  /// Writes as many bytes as there is room for now.
  /// - Returns: how many.
  func writeAtOnce(_ bytes: [UInt8]) throws(ClockworkError) -> Int {
    while true {
      let count = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Self.noSignal | Self.noWait) }
      if count >= 0 { return count }
      switch errno {
      case EINTR: continue
      case EAGAIN, EWOULDBLOCK: return 0
      default: throw .socket(operation: "write to \(peer)", reason: Self.systemError())
      }
    }
  }

  /// Writes all bytes, in order.
  /// - Throws: ``ClockworkError/peerTooSlow(waitingBytes:)`` when the peer takes none for the time set by
  ///   ``setWriteTimeout(_:)``.
  func write(_ bytes: [UInt8]) throws(ClockworkError) {
    var start = 0
    while start < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(descriptor, $0.baseAddress?.advanced(by: start), $0.count - start, Self.noSignal)
      }
      if count >= 0 {
        start += count
      } else if errno == EAGAIN || errno == EWOULDBLOCK {
        throw .peerTooSlow(waitingBytes: bytes.count - start)
      } else if errno != EINTR {
        throw .socket(operation: "write to \(peer)", reason: Self.systemError())
      }
    }
  }

  #if canImport(Darwin)
    private static let noSignal: Int32 = 0
    private static let noWait = MSG_DONTWAIT
  #else
    private static let noSignal = Int32(MSG_NOSIGNAL)
    private static let noWait = Int32(MSG_DONTWAIT)
  #endif

  func setReadTimeout(_ time: Duration) { setTimeout(SO_RCVTIMEO, time) }
  func setWriteTimeout(_ time: Duration) { setTimeout(SO_SNDTIMEO, time) }

  private func setTimeout(_ option: Int32, _ time: Duration) {
    var value = timeval()
    value.tv_sec = .init(time.components.seconds)
    value.tv_usec = .init(time.components.attoseconds / 1_000_000_000_000)
    setsockopt(descriptor, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Says that nothing more will come from us (FIN). A reader of ours sees what the peer still sends.
  func finishWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Ends both directions at once; a thread that reads or writes returns.
  func interrupt() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  static func systemError() -> String { String(cString: strerror(errno)) }
}
