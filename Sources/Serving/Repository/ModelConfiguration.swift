/// A model that is to be served: where it is, and which of its versions.
public struct ModelConfiguration: Hashable, Sendable {
  public enum VersionPolicy: Hashable, Sendable {
    /// The highest `count` versions.
    case latest(count: Int)
    case all
    case specific([Int64])
  }

  public var name: String
  /// An absolute path. Each version is a directory in it whose name is a number.
  public var basePath: String
  /// As TensorFlow-Serving calls it, `tensorflow` for most files that are around; see ``ReloadError/unsupportedPlatform``.
  public var platform: String
  public var versionPolicy: VersionPolicy
  /// Names for versions.
  public var labels: [String: Int64]

  public init(
    name: String, basePath: String, platform: String = "tensorflow", versionPolicy: VersionPolicy = .latest(count: 1),
    labels: [String: Int64] = [:]
  ) {
    self.name = name
    self.basePath = basePath
    self.platform = platform
    self.versionPolicy = versionPolicy
    self.labels = labels
  }
}

/// Why a new list of models was not taken, or not all of it came up.
public enum ReloadError: Error, Hashable, Sendable {
  case duplicateModel(name: String)
  case relativeBasePath(model: String, path: String)
  case unsupportedPlatform(model: String, platform: String)
  case platformChanged(model: String)
  /// The label's version is not available; the labels stay as they were.
  case labelUnavailable(label: String, version: Int64, model: String)
  /// The configuration is in force, but these models have no available version. Reasons by name.
  case notAvailable(reasons: [String: String])
  /// The wait ended before the models were all up; loading goes on.
  case timedOut(seconds: Int)
  case shuttingDown
}
