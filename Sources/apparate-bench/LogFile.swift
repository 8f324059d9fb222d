import Foundation

/// A file that a child process writes to and that is quoted when the child fails.
struct LogFile {
  let url: URL
  let handle: FileHandle

  init(at url: URL) throws {
    guard FileManager.default.createFile(atPath: url.path, contents: nil) else {
      throw BenchError.missingFile(path: url.path, hint: "it could not be created")
    }
    self.url = url
    handle = try FileHandle(forWritingTo: url)
  }

  /// The last lines, at most 2,000 bytes of them.
  func tail() -> String {
    guard let reader = try? FileHandle(forReadingFrom: url), let size = try? reader.seekToEnd() else { return "" }
    defer { try? reader.close() }
    try? reader.seek(toOffset: size > 2000 ? size - 2000 : 0)
    return String(decoding: (try? reader.readToEnd()) ?? Data(), as: UTF8.self)
  }
}
