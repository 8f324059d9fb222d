import Foundation

/// Files that are there as a whole or not at all, whenever the machine stops.
enum AtomicFile {
  /// Writes a file under another name, brings it to the disk and renames it.
  static func write(to path: String, _ body: (FileHandle) throws -> Void) throws {
    let name = path + ".\(ProcessInfo.processInfo.processIdentifier).\(UInt32.random(in: 0...UInt32.max)).part"
    guard FileManager.default.createFile(atPath: name, contents: nil), let handle = FileHandle(forWritingAtPath: name)
    else { throw PreparedModelError.cannotWrite(file: path, reason: String(cString: strerror(errno))) }
    do {
      defer { try? handle.close() }
      try body(handle)
      try handle.synchronize()
      guard rename(name, path) == 0 else {
        throw PreparedModelError.cannotWrite(file: path, reason: String(cString: strerror(errno)))
      }
    } catch {
      unlink(name)
      throw error
    }
    synchronizeDirectory(of: path)
  }

  /// A rename is on the disk only when the directory is.
  private static func synchronizeDirectory(of path: String) {
    let descriptor = open(URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
