#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What is in the directory of one version.
public struct VersionFiles: Hashable, Sendable {
  /// The file that is the model.
  public enum Model: Hashable, Sendable {
    /// What `apparate prepare` wrote: the model with its ramps, one ONNX file.
    case prepared(path: String)
    case onnx(path: String)
    /// A TensorFlow SavedModel. Nothing loads these yet: whoever will finds them here.
    case savedModel(directory: String)
  }

  public static let preparedName = "model.apparate.onnx"
  public static let onnxName = "model.onnx"
  public static let savedModelName = "saved_model.pb"
  public static let warmupName = "assets.extra/tf_serving_warmup_requests"
  public static let batchingParametersName = "batching_params.pbtxt"

  public let directory: String
  public let model: Model
  /// Requests to replay before the version answers; `nil` when there is no such file.
  public let warmup: String?
  /// `nil` when there is no such file.
  public let batchingParameters: String?

  /// Looks into a version's directory.
  ///
  /// - Throws: ``RepositoryError/noModel(directory:)`` when there is no model in it.
  public init(directory: String) throws(RepositoryError) {
    let directory = directory.hasSuffix("/") && directory.count > 1 ? String(directory.dropLast()) : directory
    func existing(_ name: String) -> String? {
      let path = "\(directory)/\(name)"
      return access(path, F_OK) == 0 ? path : nil
    }
    self.directory = directory
    if let path = existing(Self.preparedName) {
      model = .prepared(path: path)
    } else if let path = existing(Self.onnxName) {
      model = .onnx(path: path)
    } else if existing(Self.savedModelName) != nil {
      model = .savedModel(directory: directory)
    } else {
      throw .noModel(directory: directory)
    }
    warmup = existing(Self.warmupName)
    batchingParameters = existing(Self.batchingParametersName)
  }
}
