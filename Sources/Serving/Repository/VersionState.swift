/// Where a version is in its life. Versions that have ended are remembered.
public struct VersionState: Hashable, Sendable {
  public enum Phase: Hashable, Sendable {
    /// Known; nothing has been loaded yet.
    case start
    case loading
    /// Answers requests.
    case available
    case unloading
    case end
  }

  public let version: Int64
  public let phase: Phase
  /// Why the version could not be loaded, when that is why it has ended.
  public let failure: String?

  public init(version: Int64, phase: Phase, failure: String? = nil) {
    self.version = version
    self.phase = phase
    self.failure = failure
  }
}
