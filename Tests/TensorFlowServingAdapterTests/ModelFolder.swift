import Foundation
import ModelGraph
import Serving
import ServingFixtures
import Synchronization
import Wire

@testable import TensorFlowServingAdapter

/// A folder of real models, a repository that serves it with the inference engine, and calls to the services on it.
///
/// - `half_plus_two` (version 123): y = x / 2 + 2, [N, 1]; what TensorFlow-Serving's own tests call. With signatures.
/// - `street` (version 1): the ResNet-18 of the workloads, with labels.
/// - `wide` (version 3): two outputs and inputs of other types.
/// - `broken` (version 1): a file that is no model.
final class ModelFolder: Sendable {
  let root: URL
  let repository: ModelRepository
  let service: InferenceService
  let predictions: PredictionService
  let models: ModelService

  static let workloads = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Workloads")

  static let shared = Result { try ModelFolder() }

  init(batching: BatchingOptions? = nil, encoding: TensorEncoding = .typedValues) throws {
    root = FileManager.default.temporaryDirectory.appendingPathComponent("apparate-\(UUID().uuidString)")
    try Self.write(to: root)
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

  // MARK: Files

  private static func write(to root: URL) throws {
    func folder(_ path: String) throws -> URL {
      let folder = root.appendingPathComponent(path)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      return folder
    }
    let half = try folder("half_plus_two/00000123")
    try Data(OnnxText.halfPlusTwo).write(to: half.appendingPathComponent("model.onnx"))
    try Data(signatures.utf8).write(to: half.appendingPathComponent(SignatureFile.fileName))
    let street = try folder("street/1")
    try FileManager.default.createSymbolicLink(
      at: street.appendingPathComponent("model.onnx"),
      withDestinationURL: workloads.appendingPathComponent("vtest-resnet18.onnx"))
    try Data("none\none\nseveral\n".utf8).write(to: street.appendingPathComponent(SignatureFile.labelFileName))
    try Data(OnnxText.wide).write(to: try folder("wide/3").appendingPathComponent("model.onnx"))
    try Data("no model".utf8).write(to: try folder("broken/1").appendingPathComponent("model.onnx"))
  }

  private static let signatures = """
    signature_def { key: "regress_x_to_y" value {
      inputs { key: "inputs" value { name: "x" dtype: DT_FLOAT } }
      outputs { key: "outputs" value { name: "y:0" } }
      method_name: "tensorflow/serving/regress" } }
    signature_def { key: "classify_x_to_y" value {
      inputs { key: "inputs" value { name: "x" } }
      outputs { key: "scores" value { name: "y" } }
      method_name: "tensorflow/serving/classify" } }
    """

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

/// Small ONNX files, written field by field; numbers are those of `onnx.proto`.
enum OnnxText {
  /// y = 0.5 · x + 2 on [N, 1].
  static let halfPlusTwo = model(
    nodes: [("Mul", ["x", "half"], ["h"]), ("Add", ["h", "two"], ["y"])], floats: [("half", 0.5), ("two", 2)],
    inputs: [("x", 1, [nil, 1])], outputs: [("y", 1, [nil, 1])])

  /// sum = a + b (float [N, 2]), and the int64 input [N, 3] as it came.
  static let wide = model(
    nodes: [("Add", ["a", "b"], ["sum"]), ("Identity", ["c"], ["same"])], floats: [],
    inputs: [("a", 1, [nil, 2]), ("b", 1, [nil, 2]), ("c", 7, [nil, 3])],
    outputs: [("sum", 1, [nil, 2]), ("same", 7, [nil, 3])])

  private typealias Declaration = (name: String, type: UInt64, shape: [UInt64?])

  private static func model(
    nodes: [(op: String, inputs: [String], outputs: [String])], floats: [(name: String, value: Float)],
    inputs: [Declaration], outputs: [Declaration]
  ) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.append(field: 1, varint: 8)
    writer.append(field: 8) { $0.append(field: 2, varint: 17) }
    writer.append(field: 7) { graph in
      for node in nodes {
        graph.append(field: 1) { message in
          for input in node.inputs { message.append(field: 1, string: input) }
          for output in node.outputs { message.append(field: 2, string: output) }
          message.append(field: 4, string: node.op)
        }
      }
      graph.append(field: 2, string: "test")
      for float in floats {
        graph.append(field: 5) { tensor in
          tensor.append(field: 1, varint: 1)
          tensor.append(field: 2, varint: 1)
          tensor.append(field: 4, fixed32: float.value.bitPattern)
          tensor.append(field: 8, string: float.name)
        }
      }
      for input in inputs { graph.append(field: 11) { declare(input, to: &$0) } }
      for output in outputs { graph.append(field: 12) { declare(output, to: &$0) } }
    }
    return writer.bytes
  }

  private static func declare(_ value: Declaration, to writer: inout ProtobufWriter) {
    writer.append(field: 1, string: value.name)
    writer.append(field: 2) { type in
      type.append(field: 1) { tensor in
        tensor.append(field: 1, varint: value.type)
        tensor.append(field: 2) { shape in
          for extent in value.shape {
            shape.append(field: 1) { dimension in
              if let extent {
                dimension.append(field: 1, varint: extent)
              } else {
                dimension.append(field: 2, string: "N")
              }
            }
          }
        }
      }
    }
  }
}
