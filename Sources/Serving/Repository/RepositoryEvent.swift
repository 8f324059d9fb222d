/// What happens in a repository, for logs and metrics.
public enum RepositoryEvent: Sendable, CustomStringConvertible {
  case loading(ServableID, directory: String)
  case loaded(ServableID, directory: String, took: Duration)
  case loadFailed(ServableID, directory: String, reason: String, took: Duration, retriesLeft: Int)
  case unloading(ServableID)
  case unloaded(ServableID)
  /// A model's directory cannot be listed or has no versions; told once until that changes.
  case nothingFound(RepositoryError)

  public var description: String {
    switch self {
    case .loading(let id, let directory): "loading \(id) from \(directory)"
    case .loaded(let id, _, let took): "loaded \(id) in \(took)"
    case .loadFailed(let id, _, let reason, _, let retriesLeft):
      "could not load \(id): \(reason); \(retriesLeft == 0 ? "giving up" : "\(retriesLeft) more tries")"
    case .unloading(let id): "unloading \(id)"
    case .unloaded(let id): "unloaded \(id)"
    case .nothingFound(let error): error.description
    }
  }
}
