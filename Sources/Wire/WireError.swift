/// Why bytes cannot be read: the file, or what stands in it.
public enum WireError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The operating system refuses the file; `reason` is its own text.
  case unreadableFile(path: String, reason: String)
  /// A directory, pipe, device or socket.
  case notRegularFile(path: String)
  case emptyFile(path: String)
  /// The bytes at `byteOffset` (from the beginning of the file) are not what the format demands there.
  case malformed(byteOffset: Int, expected: String, got: String)
  /// The bytes are well formed, and more than we are ready to hold in memory.
  case tooLarge(byteOffset: Int, what: String, limit: Int)
  /// protobuf-c could not unpack `message`: no memory is left.
  case unpackingFailed(message: String)

  public var description: String {
    switch self {
    case .unreadableFile(let path, let reason): "cannot read \(path): \(reason)"
    case .notRegularFile(let path): "cannot read \(path): expected a regular file"
    case .emptyFile(let path): "cannot read \(path): the file is empty"
    case .malformed(let byteOffset, let expected, let got): "byte \(byteOffset): expected \(expected), got \(got)"
    case .tooLarge(let byteOffset, let what, let limit): "byte \(byteOffset): more than \(limit) \(what)"
    case .unpackingFailed(let message): "not enough memory to unpack \(message)"
    }
  }
}
