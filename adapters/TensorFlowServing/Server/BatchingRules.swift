import Serving
import Synchronization

/// How the requests of each version are put together: as the server's flags say, or as a file beside the model does.
///
/// With `--enable_per_model_batching_parameters` only the files count: a version without one is not batched.
final class BatchingRules: Sendable {
  private let common: BatchingOptions?
  private let isPerModel: Bool
  /// Guards what versions' own files say.
  private let own = Mutex<[ServableID: BatchingOptions]>([:])

  init(_ configuration: ServerConfiguration) {
    isPerModel = configuration.options.enablesBatching && configuration.options.enablesPerModelBatchingParameters
    common = isPerModel ? nil : configuration.batching.map { BatchingOptions($0) }
  }

  /// Reads a version's file before the version answers.
  func read(_ files: VersionFiles, of id: ServableID) throws(ConfigurationError) {
    guard isPerModel, let path = files.batchingParameters else { return }
    let options = BatchingOptions(try BatchingParameters.read(path: path))
    own.withLock { $0[id] = options }
  }

  func forget(_ id: ServableID) { own.withLock { $0[id] = nil } }

  func options(for id: ServableID) -> BatchingOptions? { isPerModel ? own.withLock { $0[id] } : common }
}
