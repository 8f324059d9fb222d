import Foundation
import ModelGraph
import Wire

/// NumPy's `.npz` files: ZIP files of arrays, compressed or not, each named after its `.npy` entry.
public struct NumPyArchive: Sendable {
  private let path: String
  private let archive: ZipArchive

  public init(path: String) throws(DatasetError) {
    self.path = path
    do { archive = try ZipArchive(path: path) } catch { throw DatasetError(error, path: path, format: "a .npz file") }
  }

  /// The arrays, in the order of the file.
  public var names: [String] { archive.entries.compactMap { Self.arrayName($0.name) } }

  /// Unpacks one array; the others are not touched.
  public func tensor(named name: String) throws(DatasetError) -> Tensor {
    guard let entry = archive.entries.last(where: { Self.arrayName($0.name) == name }) else {
      throw .missingArray(path: path, name: name, known: names)
    }
    let bytes: [UInt8]
    do { bytes = try archive.bytes(of: entry) } catch { throw DatasetError(error, path: path, format: "a .npz file") }
    return try NumPyFile.parse(bytes, path: "\(path), array \(name)")
  }

  /// Writes arrays, not compressed.
  public static func write(_ arrays: [(name: String, tensor: Tensor)], to path: String) throws {
    guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
    else { throw DatasetError.unreadable(path: path, reason: "it cannot be written") }
    defer { try? file.close() }
    var writer = ZipWriter()
    for array in arrays {
      let bytes = NumPyFile.encode(array.tensor)
      try file.write(contentsOf: Data(bytes.withUnsafeBytes { try writer.begin("\(array.name).npy", $0) }))
      try file.write(contentsOf: Data(bytes))
    }
    try file.write(contentsOf: Data(writer.end()))
  }

  private static func arrayName(_ entry: String) -> String? {
    entry.hasSuffix(".npy") ? String(entry.dropLast(4)) : nil
  }
}

extension DatasetError {
  init(_ error: WireError, path: String, format: String) {
    switch error {
    case .unreadableFile(_, let reason): self = .unreadable(path: path, reason: reason)
    default: self = .malformed(path: path, expected: format, got: "\(error)")
    }
  }
}
