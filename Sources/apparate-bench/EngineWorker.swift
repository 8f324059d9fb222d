import ArgumentParser
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime

/// Our engine in a process of its own, driven by `EngineBench` as it drives the peers.
struct EngineWorker: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engine-worker", abstract: "Answer lines of JSON for one model (used by `engine`).",
    shouldDisplay: false)

  func run() throws {
    var loop = try WorkerLoop<ApparateEngine>()
    try loop.answer()
  }
}

/// The inference engine behind the worker's protocol. The thread count is in the environment, see `EngineBench`.
struct ApparateEngine: WorkerEngine {
  private let model: LoadedModel
  private let inputs: [String: Tensor]
  private var results: [String: Tensor] = [:]

  init(model: URL, inputs: [String: NumpyArray], threads: Int, dimensions: [String: Int]) throws {
    self.inputs = try inputs.mapValues { try Tensor($0) }
    var options = LoadedModel.Options()
    options.progress = { built, total in
      FileHandle.standardError.write(Data("kernels built: \(built) of \(total)\n".utf8))
    }
    self.model = try LoadedModel(path: model.path, device: .select(), options: options)
    // Ready to run means that kernels are built and weights packed.
    _ = try self.model.prepare(self.inputs)
  }

  mutating func run() throws { results = try model.run(inputs) }

  func outputs() throws -> [String: NumpyArray] { try results.mapValues { try NumpyArray($0) } }
}

extension Tensor {
  fileprivate init(_ array: NumpyArray) throws {
    guard let type = NumpyArray.types.first(where: { $0.value == array.element })?.key else {
      throw BenchError.malformedArray(path: "input", reason: "the engine has no type for \(array.element.rawValue)")
    }
    self.init(type: type, shape: array.shape, storage: TensorStorage(copying: array.bytes))
  }
}

extension NumpyArray {
  fileprivate static let types: [DataType: Element] = [
    .float32: .float32, .float16: .float16, .float64: .float64, .int64: .int64, .int32: .int32, .int8: .int8,
    .uint8: .uint8, .bool: .bool,
  ]

  fileprivate init(_ tensor: Tensor) throws {
    guard let element = Self.types[tensor.type] else {
      throw BenchError.malformedArray(path: "output", reason: "there is no .npy type for \(tensor.type)")
    }
    self.init(element: element, shape: tensor.shape, bytes: tensor.storage.withUnsafeBytes { Data($0) })
  }
}
