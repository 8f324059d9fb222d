/// One version of one model.
public struct ServableID: Hashable, Sendable, CustomStringConvertible {
  public let name: String
  public let version: Int64

  public init(name: String, version: Int64) {
    self.name = name
    self.version = version
  }

  public var description: String { "\(name) \(version)" }
}

/// Which version of a model a request means.
public enum VersionChoice: Hashable, Sendable {
  /// The highest version that is available now, which need not be the highest on disk.
  case latest
  case specific(Int64)
  case label(String)
}
