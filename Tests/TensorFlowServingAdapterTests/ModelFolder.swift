import Foundation
import ModelGraph
import Serving
import ServingFixtures
import Synchronization
import Wire

@testable import TensorFlowServingAdapter

/// The models of ``ModelFiles``, a repository that serves them with the inference engine, and calls to the services on it.
final class ModelFolder: Sendable {
  let root: URL
  let repository: ModelRepository
  let service: InferenceService
  let predictions: PredictionService
  let models: ModelService

  static let workloads = ModelFiles.workloads

  static let shared = Result { try ModelFolder() }

  init(batching: BatchingOptions? = nil, encoding: TensorEncoding = .typedValues) throws {
    root = FileManager.default.temporaryDirectory.appendingPathComponent("apparate-\(UUID().uuidString)")
    try ModelFiles.write(to: root)
    var options = ModelRepository.Options()
    options.polling = .once
    options.maxLoadRetries = 0
    options.loadThreads = 2
    options.reloadTimeout = .seconds(60)
    repository = ModelRepository(loader: EngineLoader(), options: options)
    var scheduling = RequestScheduler.Options()
    scheduling.batching = { _ in batching }
    service = InferenceService(source: repository, scheduler: RequestScheduler(scheduling))
    predictions = PredictionService(service, encoding: encoding)
    models = ModelService(service)
    let loaded = DispatchSemaphore(value: 0)
    repository.reload(configurations) { _ in loaded.signal() }
    guard loaded.wait(timeout: .now() + 120) == .success else { throw Failure.notLoaded }
  }

  deinit {
    repository.shutDown(timeout: .seconds(10))
    try? FileManager.default.removeItem(at: root)
  }

  enum Failure: Error { case notLoaded, noAnswer }

  var configurations: [ModelConfiguration] {
    ["half_plus_two", "street", "wide", "broken"].map {
      ModelConfiguration(name: $0, basePath: root.appendingPathComponent($0).path)
    }
  }

  // MARK: Calls

  func reply(_ call: (@escaping ServiceCompletion) -> Void) throws -> ServiceReply {
    let result = Mutex<Result<ServiceReply, TensorFlowStatus>?>(nil)
    let isThere = DispatchSemaphore(value: 0)
    call { outcome in
      let former = result.withLock { result in
        defer { result = outcome }
        return result
      }
      precondition(former == nil, "a call was answered twice")
      isThere.signal()
    }
    guard isThere.wait(timeout: .now() + 60) == .success, let result = result.withLock({ $0 }) else {
      throw Failure.noAnswer
    }
    return try result.get()
  }

  func predict(_ request: [UInt8], _ context: CallContext = CallContext()) throws -> ServiceReply {
    try reply { predictions.predict(OwnedBytes(copying: request), context, completion: $0) }
  }

  /// Sends tensors as a client does and decodes the answer as one does.
  func predict(
    _ spec: ModelSpec, _ inputs: [String: Tensor], filter: [String] = [], encoding: TensorEncoding = .content,
    context: CallContext = CallContext()
  ) throws -> [String: Tensor] {
    let request = PredictRequestMessage.encoded(
      modelSpec: spec, inputs: inputs.sorted { $0.key < $1.key }.map { ($0.key, TensorValue($0.value)) },
      outputFilter: filter, encoding: encoding)
    let bytes = OwnedBytes(copying: try predict(request.bytes, context).message.bytes)
    let response = try bytes.withUnsafeBytes { bytes in try PredictResponseMessage(reading: bytes) }
    return try Dictionary(
      uniqueKeysWithValues: response.outputs.names.map { name in
        guard case .tensor(let tensor) = try SentTensor(input: name, of: response.outputs, in: bytes) else {
          throw Failure.noAnswer
        }
        return (name, tensor)
      })
  }
}

/// Models as they are, with the signatures that stand beside them.
private struct EngineLoader: ServableLoader {
  func load(_ id: ServableID, from files: VersionFiles) throws -> LoadedServable {
    guard case .onnx(let path) = files.model else { throw ModelFolder.Failure.notLoaded }
    let servable = try ModelServable(path: path)
    return LoadedServable(
      servable: servable, signatures: try SignatureFile.signatures(in: files.directory, own: servable.signature))
  }
}
