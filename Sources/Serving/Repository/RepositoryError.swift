/// Why a model's directory cannot be served.
public enum RepositoryError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The operating system refuses to list it; `reason` is its own text.
  case unreadableBasePath(path: String, reason: String)
  /// It has no child whose name is a number.
  case noVersions(model: String, path: String)
  case noModel(directory: String)

  public var description: String {
    switch self {
    case .unreadableBasePath(let path, let reason): "Could not find base path \(path): \(reason)"
    case .noVersions(let model, let path):
      // TensorFlow Serving's text, which people search for.
      "No versions of servable \(model) found under base path \(path). Did you forget to name your leaf directory as a number (eg. '/1/')?"
    case .noModel(let directory):
      "\(directory) has none of \(VersionFiles.preparedName), \(VersionFiles.onnxName) and \(VersionFiles.savedModelName)"
    }
  }
}
