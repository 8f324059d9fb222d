/// Where adapters get servables from. All methods may be called from any thread; the first two are quick.
public protocol ServableSource: AnyObject, Sendable {
  /// The servable that a request means.
  ///
  /// - Throws: ``ServingError/modelNotFound``, ``ServingError/versionNotFound`` (also for a label whose version is not
  ///   available), ``ServingError/labelNotFound`` (also when the model is unknown).
  func model(named name: String, version: VersionChoice) throws(ServingError) -> ServedModel

  /// The states of all versions that were ever known, descending, or of one.
  ///
  /// - Throws: ``ServingError/modelNotFound``, ``ServingError/versionNotFound``.
  func versionStates(of name: String, version: Int64?) throws(ServingError) -> [VersionState]

  /// Replaces the whole list of models: those not in it are unloaded. Tells the end of it once, from any thread, after
  /// all new models are available or have failed, in bounded time.
  func reload(
    _ models: [ModelConfiguration], completion: @escaping @Sendable (Result<Void, ReloadError>) -> Void)
}
