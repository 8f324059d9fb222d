import Foundation
import InferenceEngine
import ModelGraph
import NIOCore
import NIOPosix
import OpenCLRuntime
import RPC
import ServingFixtures
import Synchronization
import TensorFlowServingAdapter
import Testing
import Wire

@testable import Sidecar

/// All tests that start servers, one after another: they share one device.
@Suite("The sidecar", .serialized, .timeLimit(.minutes(5))) enum SidecarTests {}

/// A server that was started with flags, on loopback ports that the system chose, and clients for it.
final class RunningSidecar: Sendable {
  static let device = Result { try Device.select() }
  static let group = MultiThreadedEventLoopGroup.singleton
  /// Built with the tests, beside them.
  static var program: URL {
    get throws { try #require(Bundle.main.executableURL).deletingLastPathComponent().appending(path: "apparate") }
  }
  static let root = ModelFiles.workloads.deletingLastPathComponent().deletingLastPathComponent()

  let server: SidecarServer
  let client: PredictClient
  let log: Lines
  let grpcPort: Int
  let restPort: Int

  /// With a launch for each kernel, which compiles less.
  static var loading: LoadedModel.Options {
    var options = LoadedModel.Options()
    options.singleLaunch = false
    return options
  }

  /// Starts one, lends it to `body`, and stops it.
  static func with(
    _ flags: String..., log: Lines = Lines(), tls: ClientTLS? = nil, bootstrap: BootstrapOptions = BootstrapOptions(),
    body: (RunningSidecar) async throws -> Void
  ) async throws {
    let running = try await RunningSidecar(flags, log: log, tls: tls, bootstrap: bootstrap)
    do { try await body(running) } catch {
      await running.end()
      throw error
    }
    #expect(await running.end() == 0, "a connection had to be cut")
  }

  @discardableResult
  func end() async -> Int {
    await client.shutDown()
    return await server.stop(within: .seconds(30))
  }

  /// For who stops it with ``end()``.
  static func start(_ flags: [String]) async throws -> RunningSidecar {
    try await RunningSidecar(flags, log: Lines(), tls: nil, bootstrap: BootstrapOptions())
  }

  static func start(
    _ flags: [String], log: Lines, bootstrap: BootstrapOptions = BootstrapOptions()
  ) async throws -> SidecarServer {
    let parsed = try ServeFlags(flags)
    #expect(parsed.unknownArguments.isEmpty)
    var configuration = try ServerConfiguration(parsed.options)
    configuration.grpc = [.tcp(host: "127.0.0.1", port: 0)] + configuration.grpc.filter(\.isUnix)
    configuration.rest = [.tcp(host: "127.0.0.1", port: 0)]
    return try await SidecarServer.start(
      configuration, device: device.get(), loading: loading, bootstrap: bootstrap, clockworkHost: "127.0.0.1",
      log: { log.add($0) })
  }

  private init(_ flags: [String], log: Lines, tls: ClientTLS?, bootstrap: BootstrapOptions) async throws {
    server = try await Self.start(flags, log: log, bootstrap: bootstrap)
    self.log = log
    grpcPort = server.tensorFlow.grpcEndpoints[0].port
    restPort = server.tensorFlow.restEndpoints[0].port
    client = PredictClient(
      .tcp(host: tls == nil ? "127.0.0.1" : "localhost", port: grpcPort), tls: tls, group: Self.group)
  }

  // MARK: Calls

  func predict(
    _ model: String, _ inputs: [String: Tensor], version: VersionChoice? = nil, isExact: Bool = false
  ) async throws -> PredictClient.Answer {
    try await client.predict(inputs, of: ModelSpec(name: model, version: version), isExact: isExact)
  }

  /// y of a model that takes x.
  func affine(_ model: String, _ x: Float, version: VersionChoice? = nil) async throws -> Float? {
    try await predict(model, ["x": Tensor([x], shape: [1, 1])], version: version).outputs["y"]?.floats.first
  }

  typealias VersionChoice = ModelSpec.Version

  /// What curl prints: body, then the status.
  func curl(_ path: String, _ arguments: String...) async throws -> (status: Int, body: String) {
    let text = try await Tool.run(
      URL(filePath: "/usr/bin/curl"),
      ["-sS", "--max-time", "60", "-w", "\n%{http_code}", "http://127.0.0.1:\(restPort)\(path)"] + arguments)
    let end = text.lastIndex(of: "\n") ?? text.startIndex
    return (Int(text[end...].dropFirst()) ?? 0, String(text[..<end]))
  }

  func grpcurl(_ options: [String] = [], _ arguments: String..., expectSuccess: Bool = true) async throws -> String {
    try await Tool.run(
      Self.root.appending(path: ".build-python/bin/grpcurl"),
      ["-plaintext", "-max-time", "30"] + options + ["127.0.0.1:\(grpcPort)"] + arguments,
      expectSuccess: expectSuccess)
  }

  /// TensorFlow-Serving's official client with some of its scenarios.
  func officialClient(_ scenarios: [String], models: String) async throws {
    let script = "Tests/TensorFlowServingAdapterTests/Clients/tensorflow_serving_client.py"
    try await Tool.run(
      Self.root.appending(path: ".build-python/bin/python"),
      [Self.root.appending(path: script).path, "127.0.0.1:\(grpcPort)", models] + scenarios,
      environment: [
        "PYTHONPATH": Self.root.appending(path: ".build-fixtures/tensorflow-stubs").path,
        "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin",
      ])
  }
}

extension Endpoint {
  var isUnix: Bool { if case .unix = self { true } else { false } }
  var port: Int { if case .tcp(_, let port) = self { port } else { 0 } }
}

extension Tensor {
  var bytes: [UInt8] { storage.withUnsafeBytes { Array($0) } }
}

/// What a server says.
final class Lines: Sendable {
  private let lines = Mutex<[String]>([])
  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }

  /// Waits, at most a minute, for a line with these words, however many there are already.
  func wait(for words: String) async throws {
    for _ in 0..<6000 {
      if all.contains(where: { $0.contains(words) }) { return }
      try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("nobody said \"\(words)\" in \(all)")
  }
}

/// Whether something comes true in time.
func eventually(within seconds: Int = 60, _ condition: () async throws -> Bool) async throws -> Bool {
  for _ in 0..<seconds * 100 {
    if try await condition() { return true }
    try await Task.sleep(for: .milliseconds(10))
  }
  return false
}

/// A temporary folder, gone with the last reference.
final class Folder: Sendable {
  let url = FileManager.default.temporaryDirectory.appending(path: "apparate-sidecar-\(UUID().uuidString)")
  var path: String { url.path }

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ name: String, _ text: String) throws -> String {
    let file = url.appending(path: name)
    try Data(text.utf8).write(to: file, options: .atomic)
    return file.path
  }
}

enum Tool {
  /// Runs a program to its end, and kills it when that takes too long.
  @discardableResult
  static func run(
    _ program: URL, _ arguments: [String], environment: [String: String]? = nil, expectSuccess: Bool = true
  ) async throws -> String {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    if let environment { process.environment = environment }
    process.standardInput = FileHandle.nullDevice
    let folder = try Folder()
    let log = folder.url.appending(path: "output")
    try Data().write(to: log)
    let output = try FileHandle(forWritingTo: log)
    process.standardOutput = output
    process.standardError = output
    let status: Int32 = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch { continuation.resume(throwing: error) }
      DispatchQueue.global().asyncAfter(deadline: .now() + 150) {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
      }
    }
    let text = String(decoding: (try? Data(contentsOf: log)) ?? Data(), as: UTF8.self)
    if expectSuccess {
      #expect(status == 0, "\(program.lastPathComponent) \(arguments.joined(separator: " "))\n\(text)")
    }
    return text
  }
}
