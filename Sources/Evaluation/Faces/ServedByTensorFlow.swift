import EarlyExit
import Foundation
import NIOPosix
import OpenCLRuntime
import RPC
import Serving
import TensorFlowServingAdapter
import Wire

/// An engine behind the TensorFlow-Serving face, with a client of it: every batch is a Predict call over loopback.
final class ServedByTensorFlow: Servable {
  let signature: Signature
  private let directory: VersionDirectory
  private let server: TensorFlowServer
  private let client: PredictClient
  private let group: MultiThreadedEventLoopGroup

  private struct Loader: ServableLoader {
    let engine: EarlyExitEngine
    func load(_ id: ServableID, from files: VersionFiles) throws -> LoadedServable { LoadedServable(servable: engine) }
  }

  init(_ engine: EarlyExitEngine) throws {
    signature = engine.signature
    let directory = try VersionDirectory()
    self.directory = directory
    var options = ServeOptions()
    options.modelName = VersionDirectory.model
    options.modelBasePath = directory.basePath
    options.fileSystemPollSeconds = 0
    var configuration = try ServerConfiguration(options)
    configuration.grpc = [.tcp(host: "127.0.0.1", port: 0)]
    let registry = MetricsRegistry()
    let started = configuration
    server = try blocking {
      try await TensorFlowServer.start(
        started, loader: Loader(engine: engine), registry: registry, metrics: ServingMetrics(registry), log: { _ in })
    }
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    // The client is on the same machine here, and on no core of its own.
    group.next().execute { ProcessorThreads.runsWhenWoken() }
    client = PredictClient(server.grpcEndpoints[0], group: group)
  }

  func submit(_ batch: Batch, to receiver: any AnswerReceiver) {
    let submitted = ContinuousClock.now
    client.predict(
      batch.inputs, of: ModelSpec(name: VersionDirectory.model), isExact: batch.exactItems.count == batch.count
    ) { result in
      do {
        let answer = try result.get()
        let exits = answer.exits.flatMap { ExitSummary.exits($0, count: batch.count) }
        let groups = Dictionary(grouping: 0..<batch.count) { exits?[$0] ?? .final }
        for (exit, items) in groups {
          receiver.receive(Answers(items: items, exit: exit, outputs: answer.outputs))
        }
        // A client knows of no other times.
        receiver.finish(.success(BatchTiming(submitted: submitted, started: submitted, ended: .now)))
      } catch { receiver.finish(.failure(.deviceFailed(reason: "\(error)"))) }
    }
  }

  func stop() {
    try? blocking { [self] in
      await client.shutDown()
      _ = await server.stop(within: .seconds(5))
      try await group.shutdownGracefully()
    }
    directory.remove()
  }
}
