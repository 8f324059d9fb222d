import ArgumentParser
import Foundation

/// Our gRPC server beside gRPC's C++ server, both doing the same work for the same client.
struct RPCBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rpc",
    abstract: "Compare the gRPC server with gRPC's C++ server.",
    discussion: """
      Both parse PredictRequests, look at the tensor and answer with 1000 floats. A C++ client keeps one call under way \
      on each connection; the servers take turns, on the same cores as the client. The first use compiles the peers \
      into the cache folder (Debian: g++ libgrpc++-dev libprotobuf-dev protobuf-compiler-grpc).
      """)

  @Option(help: "Rounds; each loads every server once for each size and number of connections.")
  var rounds = 9

  @Option(help: "Seconds of load; the first fifth of them is not measured.")
  var seconds = 1.0

  @Option(help: "Folder for the peers.")
  var cache: String = EngineBench.defaultCache

  @Option(help: "The folder proto of the repository.")
  var proto = "proto"

  @Flag(help: "Compare our server with itself: shows the machine's noise.")
  var selfCheck = false

  @Flag(help: "Print one JSON object a line.")
  var json = false

  /// What a client sends. The figures in the repository's goals are for a 224 × 224 RGB image in floats, and for 1 KB.
  private struct Load {
    let name: String
    let contentBytes: Int
    let connections: Int

    static let all = [
      Load(name: "602 KB", contentBytes: 224 * 224 * 3 * 4, connections: 1),
      Load(name: "602 KB", contentBytes: 224 * 224 * 3 * 4, connections: 8),
      Load(name: "1 KB", contentBytes: 940, connections: 1),
      Load(name: "1 KB", contentBytes: 940, connections: 8),
    ]
  }

  private struct Result: Encodable {
    let request: String
    let connections: Int
    let ours: Side
    let peer: Side
    /// Of each round, ours ÷ the peer's.
    let throughputRatio: Distribution
    let p50Ratio: Distribution
    let processorRatio: Distribution
  }

  private struct Side: Encodable {
    let callsPerSecond: Double
    let p50Microseconds: Double
    let p99Microseconds: Double
    /// Of the server's process, for each call.
    let processorMicroseconds: Double

    init(_ measurements: [LoadMeasurement]) {
      callsPerSecond = Distribution(measurements.map(\.callsPerSecond)).median
      p50Microseconds = Distribution(measurements.map(\.p50)).median
      p99Microseconds = Distribution(measurements.map(\.p99)).median
      processorMicroseconds = Distribution(measurements.map(\.processorMicroseconds)).median
    }
  }

  func validate() throws {
    guard (1...1000).contains(rounds) else { throw ValidationError("--rounds is a number from 1 to 1000") }
    guard (0.1...60).contains(seconds) else { throw ValidationError("--seconds is a number from 0.1 to 60") }
  }

  func run() throws {
    let report = Report(json: json)
    let peers = try PredictPeers(cache: URL(filePath: cache), proto: URL(filePath: proto), progress: report.progress)
    let scratch = FileManager.default.temporaryDirectory.appending(path: "apparate-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let ourselves = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    let ours = try ServerProcess(
      name: "apparate", executable: ourselves, arguments: ["rpc-server"], log: scratch.appending(path: "ours.log"))
    let peer = try ServerProcess(
      name: "C++ gRPC", executable: selfCheck ? ourselves : peers.server, arguments: selfCheck ? ["rpc-server"] : [],
      log: scratch.appending(path: "peer.log"))
    if !json {
      print(
        "request  connections  calls/s ours / C++       p50 µs ours / C++      CPU µs/call ours / C++   p99 µs ours / C++"
      )
    }
    for load in Load.all {
      report.progress("\(load.name), \(load.connections) connections")
      var pairs: [(ours: LoadMeasurement, peer: LoadMeasurement)] = []
      for round in 0..<rounds {
        // Who is first changes, so that what one leaves behind hits both.
        if round.isMultiple(of: 2) {
          let first = try measure(ours, load, peers)
          pairs.append((first, try measure(peer, load, peers)))
        } else {
          let first = try measure(peer, load, peers)
          pairs.append((try measure(ours, load, peers), first))
        }
      }
      add(
        Result(
          request: load.name, connections: load.connections, ours: Side(pairs.map(\.ours)),
          peer: Side(pairs.map(\.peer)),
          throughputRatio: Distribution(pairs.map { $0.ours.callsPerSecond / $0.peer.callsPerSecond }),
          p50Ratio: Distribution(pairs.map { $0.ours.p50 / $0.peer.p50 }),
          processorRatio: Distribution(pairs.map { $0.ours.processorMicroseconds / $0.peer.processorMicroseconds })),
        to: report)
    }
  }

  private func measure(_ server: ServerProcess, _ load: Load, _ peers: PredictPeers) throws -> LoadMeasurement {
    let before = try server.processorNanoseconds()
    let client = BoundedCommand(
      executable: peers.client,
      arguments: ["\(server.port)", "\(load.contentBytes)", "\(load.connections)", "\(seconds)"])
    let output = try client.run(within: .seconds(seconds + 60))
    let used = Double(try server.processorNanoseconds() - before)
    guard let counts = try? JSONDecoder().decode(LoadCounts.self, from: output) else {
      throw BenchError.unreadableOutput(command: "predict_client", text: String(decoding: output, as: UTF8.self))
    }
    return LoadMeasurement(counts, processorNanoseconds: used)
  }

  private func add(_ result: Result, to report: Report) {
    guard !json else { return report.line(result) }
    func cell(_ ours: Double, _ peer: Double, _ ratio: Distribution) -> String {
      String(
        format: "%.0f / %.0f = %.2f [%.2f, %.2f]", ours, peer, ratio.median, ratio.lowerQuartile, ratio.upperQuartile)
    }
    let (ours, peer) = (result.ours, result.peer)
    let cells = [
      result.request, "\(result.connections)",
      cell(ours.callsPerSecond, peer.callsPerSecond, result.throughputRatio),
      cell(ours.p50Microseconds, peer.p50Microseconds, result.p50Ratio),
      cell(ours.processorMicroseconds, peer.processorMicroseconds, result.processorRatio),
      String(format: "%.0f / %.0f", ours.p99Microseconds, peer.p99Microseconds),
    ]
    print(
      zip(cells, [7, 11, 36, 32, 32, 0]).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }
        .joined(separator: "  "))
    fflush(nil)
  }
}

/// What the client printed.
private struct LoadCounts: Decodable {
  let calls: Int
  let measuredCalls: Int
  let seconds: Double
  let p50: Double
  let p99: Double
}

/// One server under one load. Latencies in microseconds.
private struct LoadMeasurement {
  let callsPerSecond: Double
  let p50: Double
  let p99: Double
  let processorMicroseconds: Double

  init(_ counts: LoadCounts, processorNanoseconds: Double) {
    callsPerSecond = Double(counts.measuredCalls) / counts.seconds
    p50 = counts.p50
    p99 = counts.p99
    processorMicroseconds = processorNanoseconds / 1e3 / Double(counts.calls)
  }
}
