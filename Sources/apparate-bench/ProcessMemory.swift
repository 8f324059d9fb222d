import Foundation

/// What a process holds in memory, from /proc. Bytes.
struct ProcessMemory {
  /// The most that was ever resident.
  let peak: Int
  let resident: Int

  static func now() throws -> ProcessMemory { try read("self") }

  static func of(_ process: Int32) throws -> ProcessMemory { try read("\(process)") }

  private static func read(_ process: String) throws -> ProcessMemory {
    let path = "/proc/\(process)/status"
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw BenchError.missingFile(path: path, hint: "peak memory is measured on Linux only")
    }
    func bytes(_ key: String) -> Int {
      let line = text.split(separator: "\n").first { $0.hasPrefix(key + ":") }
      return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first).flatMap { Int($0) }.map { $0 * 1024 } ?? 0
    }
    return ProcessMemory(peak: bytes("VmHWM"), resident: bytes("VmRSS"))
  }
}
