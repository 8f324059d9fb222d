/// Makes servables of files.
public protocol ServableLoader: Sendable {
  /// Loads one version and returns when it is ready to answer, or throws what the version's status then says. Called
  /// from a thread of the repository that may block; different versions may be loaded at once.
  func load(_ id: ServableID, from files: VersionFiles) throws -> LoadedServable
}

/// What a loader made.
public struct LoadedServable: Sendable {
  public let servable: any Servable
  public let signatures: SignatureMap
  /// Called once, when no request uses the version any more, on a thread that may block.
  public let unload: @Sendable () -> Void

  public init(
    servable: any Servable, signatures: SignatureMap? = nil, unload: @escaping @Sendable () -> Void = {}
  ) {
    self.servable = servable
    self.signatures = signatures ?? SignatureMap(default: servable.signature)
    self.unload = unload
  }
}
