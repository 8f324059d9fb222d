import Foundation
import ModelGraph
import NIOPosix
import RPC
import TensorFlowServingAdapter
import Wire

/// `apparate serve` with one model, in a process of its own, on a unix socket, and a client for it.
final class ServedModelProcess: Sendable {
  let client: PredictClient
  let spec = ModelSpec(name: "m")
  private let process: Process
  private let started = ContinuousClock.now

  /// - Parameter folder: holds `m/VERSION/…`, and gets the socket.
  init(_ folder: URL) async throws {
    let socket = folder.appending(path: "grpc.sock").path
    process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appending(path: "apparate")
    process.arguments = [
      "serve", "--model_name=m", "--model_base_path=\(folder.appending(path: "m").path)", "--port=0",
      "--grpc_socket_path=\(socket)", "--apparate_bootstrap=off", "--apparate_state_dir=\(folder.path)",
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    client = PredictClient(.unix(path: socket), group: MultiThreadedEventLoopGroup.singleton)
  }

  /// Asks until there is an answer.
  ///
  /// - Returns: seconds since the process was started.
  func firstAnswer(_ inputs: [String: Tensor]) async throws -> Double {
    while true {
      if (try? await client.predict(inputs, of: spec)) != nil { break }
      guard process.isRunning else {
        throw BenchError.workerEnded(worker: "server", status: process.terminationStatus, log: "")
      }
      let waited = started.duration(to: .now)
      guard waited < .seconds(120) else {
        throw BenchError.workerTimedOut(worker: "server", request: "start", after: waited, log: "")
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    let (seconds, attoseconds) = started.duration(to: .now).components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }

  func residentMegabytes() throws -> Double {
    Double(try ProcessMemory.of(process.processIdentifier).resident) / 1e6
  }

  func end() async {
    await client.shutDown()
    process.terminate()
    process.waitUntilExit()
  }
}
