import Foundation
import ModelGraph

/// A file of named arrays whose first axis is the items: `.npz`, `.npy`, or a TensorFlow Serving warm-up file.
public struct DataFile: Sendable {
  private enum Content: Sendable {
    case archive(NumPyArchive)
    /// A file that holds a single array, without a name of its own.
    case single(Tensor)
    case requests(WarmUpRequests)
  }

  public let path: String
  private let content: Content

  /// The name that the array of an `.npy` file goes by.
  public static let onlyArray = "array"

  public init(path: String) throws(DatasetError) {
    self.path = path
    guard FileManager.default.fileExists(atPath: path) else { throw .unreadable(path: path, reason: "no such file") }
    switch URL(fileURLWithPath: path).pathExtension.lowercased() {
    case "npz": content = .archive(try NumPyArchive(path: path))
    case "npy": content = .single(try NumPyFile.read(at: path))
    default: content = .requests(try WarmUpRequests(path: path))
    }
  }

  public var names: [String] {
    switch content {
    case .archive(let archive): archive.names.map { DifferenceArray.parse($0)?.name ?? $0 }
    case .single: [Self.onlyArray]
    case .requests(let requests): requests.names
    }
  }

  public func tensor(named name: String) throws(DatasetError) -> Tensor {
    switch content {
    case .archive(let archive):
      for case (let stored, let difference?) in archive.names.map({ ($0, DifferenceArray.parse($0)) })
      where difference.name == name {
        return try DifferenceArray.restored(
          archive.tensor(named: stored), distance: difference.distance, name: name)
      }
      return try archive.tensor(named: name)
    case .single(let tensor):
      guard name == Self.onlyArray else { throw .missingArray(path: path, name: name, known: names) }
      return tensor
    case .requests(let requests): return try requests.tensor(named: name)
    }
  }
}
