import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Accepts connections on an IPv4 port, on a thread of its own.
final class TCPListener: Sendable {
  /// The port, also when 0 was asked for.
  let port: UInt16
  private let descriptor: Int32
  private let isStopped = Atomic(false)
  private let ended = DispatchSemaphore(value: 0)
  private static let backlog: Int32 = 128

  /// - Parameters:
  ///   - port: 0 for any free one.
  ///   - onConnection: called on the listener's thread.
  init(
    host: String = "0.0.0.0", port: UInt16, name: String, onConnection: @escaping @Sendable (TCPSocket) -> Void
  ) throws(ClockworkError) {
    let descriptor = socket(AF_INET, TCPSocket.streamType, 0)
    guard descriptor >= 0 else { throw .socket(operation: "socket", reason: TCPSocket.systemError()) }
    var isListening = false
    defer { if !isListening { close(descriptor) } }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
      throw .invalidConfiguration("\(host) is not an IPv4 address to listen on")
    }
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
        bind(descriptor, place, size) == 0 && listen(descriptor, Self.backlog) == 0
          && getsockname(descriptor, place, &size) == 0
      }
    }
    guard code else { throw .socket(operation: "listen on \(host):\(port)", reason: TCPSocket.systemError()) }
    isListening = true
    self.descriptor = descriptor
    self.port = UInt16(bigEndian: address.sin_port)
    let thread = Thread { self.accept(onConnection) }
    thread.name = name
    thread.start()
  }

  deinit { close(descriptor) }

  /// Accepts no more; returns when the thread has ended.
  func stop() {
    isStopped.store(true, ordering: .releasing)
    shutdown(descriptor, Int32(SHUT_RDWR))
    _ = ended.wait(timeout: .now() + .seconds(5))
  }

  private func accept(_ onConnection: (TCPSocket) -> Void) {
    defer { ended.signal() }
    while !isStopped.load(ordering: .acquiring) {
      var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard Self.poll(&poll, milliseconds: 500) > 0 else { continue }
      var address = sockaddr_in()
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let accepted = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Self.accept(descriptor, $0, &size) }
      }
      guard accepted >= 0 else {
        // Out of descriptors, most likely: others may be freed.
        if errno != EINTR, !isStopped.load(ordering: .acquiring) { Thread.sleep(forTimeInterval: 0.01) }
        continue
      }
      var text = [CChar](repeating: 0, count: Int(INET_ADDRSTRLEN))
      inet_ntop(AF_INET, &address.sin_addr, &text, socklen_t(text.count))
      let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      onConnection(TCPSocket(adopting: accepted, peer: "\(host):\(UInt16(bigEndian: address.sin_port))"))
    }
  }

  private static func poll(_ descriptor: inout pollfd, milliseconds: Int32) -> Int32 {
    #if canImport(Glibc)
      Glibc.poll(&descriptor, 1, milliseconds)
    #elseif canImport(Musl)
      Musl.poll(&descriptor, 1, milliseconds)
    #else
      Darwin.poll(&descriptor, 1, milliseconds)
    #endif
  }

  private static func accept(
    _ descriptor: Int32, _ address: UnsafeMutablePointer<sockaddr>, _ size: inout socklen_t
  ) -> Int32 {
    #if canImport(Glibc)
      Glibc.accept(descriptor, address, &size)
    #elseif canImport(Musl)
      Musl.accept(descriptor, address, &size)
    #else
      Darwin.accept(descriptor, address, &size)
    #endif
  }
}
