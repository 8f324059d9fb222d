import Foundation
import NIOCore
import NIOPosix
import RPC
import Serving
import Synchronization
import Testing

@testable import TensorFlowServingAdapter

/// TensorFlow-Serving's official Python stubs and gRPC's own core, unchanged, against our server. `.ci/fixtures` installs
/// them.
@Suite("The official client", .timeLimit(.minutes(3)))
struct OfficialClientTests {
  private static let root = ModelFolder.workloads.deletingLastPathComponent().deletingLastPathComponent()

  /// Serves a folder of models on a port of its own while `body` runs.
  private func serve(
    _ folder: ModelFolder, report: @escaping @Sendable (CallReport) -> Void = { _ in },
    _ body: (_ address: String) async throws -> Void
  ) async throws {
    var router = Router()
    GRPCServices(folder.service, report: report).add(to: &router)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let server = try await Server.start(on: [.tcp(host: "127.0.0.1", port: 0)], router: router, group: group)
    let endpoint = try #require(server.endpoints.first)
    do { try await body("\(endpoint)") } catch {
      await server.drain(within: .seconds(1))
      try await group.shutdownGracefully()
      throw error
    }
    await server.drain(within: .seconds(5))
    try await group.shutdownGracefully()
  }

  private func run(_ scenarios: [String], _ address: String, _ folder: ModelFolder) async throws {
    let process = Process()
    process.executableURL = Self.root.appendingPathComponent(".build-python/bin/python")
    let script = "Tests/TensorFlowServingAdapterTests/Clients/tensorflow_serving_client.py"
    process.arguments = [Self.root.appendingPathComponent(script).path, address, folder.root.path] + scenarios
    process.environment = [
      "PYTHONPATH": Self.root.appendingPathComponent(".build-fixtures/tensorflow-stubs").path,
      "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin",
    ]
    let log = folder.root.appendingPathComponent("client-\(UUID().uuidString).log")
    try Data().write(to: log)
    let output = try FileHandle(forWritingTo: log)
    process.standardOutput = output
    process.standardError = output
    let status: Int32 = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch { continuation.resume(throwing: error) }
      // Every call of the client has a deadline; this is for a client that hangs itself up.
      DispatchQueue.global().asyncAfter(deadline: .now() + 150) { if process.isRunning { process.terminate() } }
    }
    #expect(status == 0, "\(String(decoding: (try? Data(contentsOf: log)) ?? Data(), as: UTF8.self))")
  }

  @Test("is answered as TensorFlow-Serving answers it")
  func calls() async throws {
    let folder = try ModelFolder.shared.get()
    let reports = Mutex<[CallReport]>([])
    try await serve(folder, report: { report in reports.withLock { $0.append(report) } }) { address in
      try await run(
        ["predict", "large", "exits", "errors", "examples", "metadata", "status", "concurrent"], address, folder)
    }
    let all = reports.withLock { $0 }
    #expect(all.contains { $0.method == "Predict" && $0.model == "street" && $0.code == .ok && $0.items == 64 })
    #expect(all.contains { $0.method == "Predict" && $0.model == "none" && $0.code == .notFound })
    #expect(all.contains { $0.method == "MultiInference" && $0.model == "half_plus_two" && $0.code == .ok })
  }

  @Test("is answered so when requests are put together, too")
  func batching() async throws {
    var options = BatchingOptions()
    options.maxBatchSize = 64
    options.allowedBatchSizes = [1, 8, 64]
    options.timeout = .milliseconds(1)
    let folder = try ModelFolder(batching: options)
    try await serve(folder) { address in
      try await run(["predict", "large", "errors", "examples", "concurrent"], address, folder)
    }
  }

  @Test("can change the list of models")
  func reload() async throws {
    let folder = try ModelFolder()
    try await serve(folder) { address in try await run(["reload"], address, folder) }
  }

  @Test("reaches a server that has the models which this one has not")
  func forwarding() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let folder = try ModelFolder.shared.get()
    let empty = ModelRepository(loader: NoLoader())
    try await serve(folder) { address in
      let endpoint = try #require(Endpoint(address))
      let upstream = Upstream(endpoint)
      var router = Router()
      let service = InferenceService(source: empty, scheduler: RequestScheduler())
      GRPCServices(service, upstream: upstream).add(to: &router)
      let front = try await Server.start(on: [.tcp(host: "127.0.0.1", port: 0)], router: router, group: group)
      let frontEndpoint = try #require(front.endpoints.first)
      try await run(["predict", "large", "exits", "examples", "metadata", "status"], "\(frontEndpoint)", folder)
      await front.drain(within: .seconds(5))
      await upstream.shutDown()
    }
    try await group.shutdownGracefully()
  }

  private struct NoLoader: ServableLoader {
    func load(_ id: ServableID, from files: VersionFiles) throws -> LoadedServable {
      throw ModelFolder.Failure.notLoaded
    }
  }
}
