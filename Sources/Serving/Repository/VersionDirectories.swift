#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The version directories under a base path.
public enum VersionDirectories {
  /// Paths by version: children that are directories and whose names are numbers that fit a signed 64-bit integer and
  /// are not negative. Leading zeros are allowed; of several names of one number the first in byte order counts.
  /// Anything else under the base path is not looked at.
  ///
  /// - Throws: ``RepositoryError/unreadableBasePath(path:reason:)``.
  public static func list(basePath: String) throws(RepositoryError) -> [Int64: String] {
    guard let directory = opendir(basePath) else {
      throw .unreadableBasePath(path: basePath, reason: String(cString: strerror(errno)))
    }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) {
          String(cString: $0)
        }
      }
      if version(of: name) != nil { names.append(name) }
    }
    var paths: [Int64: String] = [:]
    for name in names.sorted() {
      guard let version = version(of: name), paths[version] == nil else { continue }
      let path = basePath.hasSuffix("/") ? basePath + name : "\(basePath)/\(name)"
      if isDirectory(path) { paths[version] = path }
    }
    return paths
  }

  static func version(of name: String) -> Int64? {
    guard !name.isEmpty, name.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
      return nil
    }
    return Int64(name)
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
