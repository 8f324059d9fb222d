#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Small files that are read as a whole.
enum ConfigurationFile {
  static let byteLimit = 16 << 20

  static func read(_ path: String) throws(ConfigurationError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadableFile(path: path, reason: systemText()) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 1)
    defer { chunk.deallocate() }
    while true {
      let count = Glibc.read(descriptor, chunk.baseAddress!, chunk.count)
      if count == 0 { return bytes }
      if count < 0 {
        guard errno == EINTR else { throw .unreadableFile(path: path, reason: systemText()) }
        continue
      }
      guard bytes.count + count <= byteLimit else { throw .tooLargeFile(path: path, limit: byteLimit) }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  private static func systemText() -> String { String(cString: strerror(errno)) }
}
