import ArgumentParser
import Foundation

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

/// The inference engine behind the worker's protocol.
struct ApparateEngine: WorkerEngine {
  init(model: URL, inputs: [String: NumpyArray], threads: Int, dimensions: [String: Int]) throws {
    throw BenchError.engineNotWired
  }

  mutating func run() throws { throw BenchError.engineNotWired }

  func outputs() throws -> [String: NumpyArray] { throw BenchError.engineNotWired }
}
