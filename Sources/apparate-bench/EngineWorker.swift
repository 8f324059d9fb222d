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

  init(model: URL, inputs: [String: Tensor], threads: Int, dimensions: [String: Int]) throws {
    self.inputs = inputs
    var options = LoadedModel.Options()
    options.progress = { built, total in
      FileHandle.standardError.write(Data("kernels built: \(built) of \(total)\n".utf8))
    }
    self.model = try LoadedModel(path: model.path, device: .select(), options: options)
    // Ready to run means that kernels are built and weights packed.
    _ = try self.model.prepare(self.inputs)
  }

  mutating func run() throws { results = try model.run(inputs) }

  func outputs() -> [String: Tensor] { results }
}
