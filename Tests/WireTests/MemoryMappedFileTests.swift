import Foundation
import Testing

@testable import Wire

@Suite("A memory-mapped file")
struct MemoryMappedFileTests {
  private let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)

  private func withDirectory(_ body: (URL) throws -> Void) throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory)
  }

  @Test("holds the file's bytes, also after its pages were released")
  func bytes() throws {
    try withDirectory { directory in
      let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
      let path = directory.appendingPathComponent("file").path
      try Data(content).write(to: URL(fileURLWithPath: path))
      let file = try MemoryMappedFile(path: path)
      #expect(file.byteCount == content.count)
      #expect(file.withUnsafeBytes { Array($0) } == content)
      for range in [nil, 0..<100_000, 5000..<9000, 1..<2, 99_999..<100_000, -5..<1_000_000] as [Range<Int>?] {
        file.releasePages(in: range)
      }
      #expect(file.withUnsafeBytes { Array($0) } == content)
    }
  }

  @Test("is refused when it is not a regular file with bytes in it")
  func refuses() throws {
    try withDirectory { directory in
      #expect(throws: WireError.notRegularFile(path: directory.path)) { try MemoryMappedFile(path: directory.path) }
      let missing = directory.appendingPathComponent("missing").path
      #expect(throws: WireError.self) { try MemoryMappedFile(path: missing) }
      let empty = directory.appendingPathComponent("empty").path
      try Data().write(to: URL(fileURLWithPath: empty))
      #expect(throws: WireError.emptyFile(path: empty)) { try MemoryMappedFile(path: empty) }
      let pipe = directory.appendingPathComponent("pipe").path
      #expect(mkfifo(pipe, 0o600) == 0)
      #expect(throws: WireError.notRegularFile(path: pipe)) { try MemoryMappedFile(path: pipe) }
    }
  }
}
