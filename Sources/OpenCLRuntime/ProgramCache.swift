import Foundation

/// Compiled programs on disk, shared by all processes of a user.
///
/// A file is named after a 128-bit hash of source, options and device fingerprint, and holds the whole key beside the
/// binary, so that a collision is noticed. Files are written under another name and renamed: readers see a whole file
/// or none, however many processes start at once. A damaged file is ignored and replaced.
///
/// The directory is `$APPARATE_CACHE_DIR`, else `$XDG_CACHE_HOME/apparate`, else `~/.cache/apparate`;
/// `APPARATE_CACHE_DIR=off` turns the cache off.
struct ProgramCache: Sendable {
  struct Key: Sendable {
    let text: String

    init(source: String, options: String, device: String) {
      text = "\(device)\u{0}\(options)\u{0}\(source)"
    }

    /// 128 bits of FNV-1a, as two 64-bit hashes from different offsets.
    var fileName: String {
      var a: UInt64 = 0xCBF2_9CE4_8422_2325
      var b: UInt64 = 0x6C62_272E_07BB_0142
      for byte in text.utf8 {
        a = (a ^ UInt64(byte)) &* 0x100_0000_01B3
        b = (b ^ UInt64(byte) ^ 0x5A) &* 0x100_0000_01B3
      }
      return [a, b].map { String($0, radix: 16) }.map { String(repeating: "0", count: 16 - $0.count) + $0 }.joined()
    }
  }

  private static let magic = Data("apparate program 1\n".utf8)
  private let directory: URL

  /// `nil` when the cache is off or its directory cannot be made.
  init?(directory: String?) {
    let environment = ProcessInfo.processInfo.environment
    let path: String
    if let directory = directory ?? environment["APPARATE_CACHE_DIR"] {
      path = directory
    } else if let cache = environment["XDG_CACHE_HOME"], !cache.isEmpty {
      path = cache + "/apparate"
    } else {
      path = NSHomeDirectory() + "/.cache/apparate"
    }
    guard path != "off" else { return nil }
    self.directory = URL(fileURLWithPath: path + "/programs", isDirectory: true)
    do { try FileManager.default.createDirectory(at: self.directory, withIntermediateDirectories: true) } catch {
      return nil
    }
  }

  /// The binary stored for a key, if there is an intact one.
  func load(_ key: Key) -> [UInt8]? {
    guard let data = try? Data(contentsOf: directory.appendingPathComponent(key.fileName)) else { return nil }
    let head = header(key)
    guard data.count > head.count + 8, data.starts(with: head) else { return nil }
    let binary = [UInt8](data[(data.startIndex + head.count + 8)...])
    let stored = data[(data.startIndex + head.count)..<(data.startIndex + head.count + 8)]
    return stored.elementsEqual(checksum(binary)) ? binary : nil
  }

  /// Whether there is a file for a key; it may turn out to be damaged.
  func contains(_ key: Key) -> Bool {
    FileManager.default.fileExists(atPath: directory.appendingPathComponent(key.fileName).path)
  }

  /// Stores a binary. Failing to is no error: the cache only saves time.
  func store(_ binary: [UInt8], for key: Key) {
    var data = header(key)
    data.append(contentsOf: checksum(binary))
    data.append(contentsOf: binary)
    let target = directory.appendingPathComponent(key.fileName)
    let temporary = directory.appendingPathComponent(".\(key.fileName).\(UUID().uuidString)")
    guard (try? data.write(to: temporary)) != nil else { return }
    if rename(temporary.path, target.path) != 0 { unlink(temporary.path) }
  }

  private func header(_ key: Key) -> Data {
    let text = Data(key.text.utf8)
    var length = UInt64(text.count).littleEndian
    return Self.magic + withUnsafeBytes(of: &length) { Data($0) } + text
  }

  private func checksum(_ bytes: [UInt8]) -> [UInt8] {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return withUnsafeBytes(of: hash.littleEndian) { Array($0) }
  }
}
