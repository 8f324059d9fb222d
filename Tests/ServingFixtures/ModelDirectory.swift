import Foundation

/// A temporary base path with versions in it, gone with the last reference.
public final class ModelDirectory: Sendable {
  public let path: String

  public init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("apparate-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Appears at once with its file in it, as a careful deployment does it.
  public func add(version name: String, file: String = "model.onnx", _ bytes: [UInt8]) throws {
    let hidden = "\(path)/.\(name)"
    try FileManager.default.createDirectory(atPath: hidden, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: "\(hidden)/\(file)"))
    try FileManager.default.moveItem(atPath: hidden, toPath: "\(path)/\(name)")
  }

  /// A link to a file that is somewhere else.
  public func add(version name: String, linkingTo file: String) throws {
    try FileManager.default.createDirectory(atPath: "\(path)/.\(name)", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: "\(path)/.\(name)/model.onnx", withDestinationPath: file)
    try FileManager.default.moveItem(atPath: "\(path)/.\(name)", toPath: "\(path)/\(name)")
  }

  public func remove(version name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }

  public func removeAll() throws { try FileManager.default.removeItem(atPath: path) }
}
