import ArgumentParser
import ClockworkAdapter
import Datasets
import EarlyExit
import Foundation
import OpenCLRuntime
import Serving
import Synchronization

/// One model under a steady load with deadlines: is anything late, are times as predicted, how long do clients wait?
struct ClockworkLatencyBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "latency",
    abstract: "Measure lateness, prediction errors and latencies of one model under load.",
    discussion: """
      Requests arrive at random (Poisson), at a share of what the device can do one by one. Prediction errors are of \
      batches of one item: of the time that the worker reported when the model was loaded, and of what the controller made \
      of the last batches. The controller and the client run here too: with all cores in the device's hands, what they do \
      falls into batches' times. --threads leaves them a core.
      """)

  @Argument(help: "A version's directory, with a prepared model or a plain one.")
  var model: String

  @Option(help: "Items to send in turn: a .npy file, the first axis being the items; random numbers without it.")
  var inputs: String?

  @Option(help: "Share of the device's time that requests take.")
  var load = 0.5

  @Option(name: .customLong("slo-ms"), help: "For all requests.")
  var slo = 100.0

  @Option(help: "How long.")
  var seconds = 30.0

  @Option(help: "off, adaptive, or both in turn.")
  var exits = "both"

  @Option(help: "Agreement that exits must keep.")
  var accuracy = 0.99

  @Option(help: "Threads of the device; 0 for all cores.")
  var threads = 0

  @Flag(help: "Print one JSON object a line.")
  var json = false

  private struct Result: Encodable {
    let exits: String
    let requests: Int
    let late: Int
    let timeouts: Int
    let otherFailures: Int
    let reportedMilliseconds: Double
    let measuredMilliseconds: Distribution
    /// |measured − reported| ÷ reported, of batches of one.
    let predictionErrorP50: Double
    let predictionErrorP99: Double
    /// |measured − their median| ÷ their median, of requests one after the other: what the machine itself makes of it.
    let swingP50: Double
    let swingP99: Double
    /// |measured − expected by the controller| ÷ reported, of batches of one.
    let controllerErrorP50: Double
    let controllerErrorP99: Double
    let latencyMilliseconds: Distribution
    let latencyP99Milliseconds: Double
    let meanBatch: Double
    let violations: [String]
  }

  func validate() throws {
    guard load > 0, load <= 2 else { throw ValidationError("--load is above 0 and at most 2") }
    guard (0...1024).contains(threads) else { throw ValidationError("--threads is a number from 0 to 1024") }
    guard slo > 0, seconds > 0 else { throw ValidationError("--slo-ms and --seconds are above 0") }
    guard ["off", "adaptive", "both"].contains(exits) else {
      throw ValidationError("--exits is off, adaptive or both")
    }
  }

  func run() throws {
    if threads > 0 { ProcessorThreads.setCount(threads) }
    let report = Report(json: json)
    let folder = URL(fileURLWithPath: model).standardizedFileURL
    let (root, name) = (
      folder.deletingLastPathComponent().deletingLastPathComponent().path,
      "\(folder.deletingLastPathComponent().lastPathComponent)/\(folder.lastPathComponent)"
    )
    // The same arrivals for both modes, however the machine's speed swings.
    var interval: Double?
    for mode in exits == "both" ? ["off", "adaptive"] : [exits] {
      report.progress("\(name), exits \(mode)")
      let options = ControllerOptions(accuracy: try AccuracyConstraint(accuracy))
      let control = mode == "off" ? EarlyExitEngine.Control.pinned(.none) : .adaptive(options, stateFile: nil)
      let node = try ClockworkNode(
        modelRoot: root, device: try Device.select(), exits: control, slo: .microseconds(Int(slo * 1000)))
      defer { node.stop() }
      let result = try measure(node, name, mode, interval: &interval)
      if json { report.line(result) } else { print(text(of: result)) }
    }
  }

  /// - Parameter interval: seconds between requests, on average; set from what the model takes if it is not yet.
  private func measure(
    _ node: ClockworkNode, _ name: String, _ mode: String, interval: inout Double?
  ) throws -> Result {
    let loaded = try node.client.load(name)
    let items = try self.items(byteCount: loaded.inputSize)
    guard let reported = node.worker.state.models.first?.execTimes.first else { throw BenchError.notLoaded }
    // Brings the weights, and a first idea of what the model takes.
    for item in items.prefix(50) { wait(node.client, item) }
    _ = node.takeRecords()
    for count in 0..<300 { wait(node.client, items[count % items.count]) }
    let alone = node.takeRecords().actions.compactMap(\.duration).map { Double($0) }.sorted()
    let swings = alone.map { abs($0 - alone[alone.count / 2]) / alone[alone.count / 2] }.sorted()

    var generator = SeededGenerator(seed: 2)
    let mean = interval ?? Double(reported) * 1e-9 / load
    interval = mean
    let begin = ContinuousClock.now
    var next = 0.0
    var count = 0
    let outstanding = Outstanding()
    while next < seconds {
      next += -log(1 - Double.random(in: 0..<1, using: &generator)) * mean
      let pause = next - (ContinuousClock.now - begin).inSeconds
      if pause > 0 { Thread.sleep(forTimeInterval: pause) }
      outstanding.add()
      node.client.infer(model: loaded.ids.lowerBound, compressed: items[count % items.count]) { _ in
        outstanding.remove()
      }
      count += 1
    }
    outstanding.waitForAll()
    return result(node, mode, reported: reported, swings: swings)
  }

  private func result(
    _ node: ClockworkNode, _ mode: String, reported: Nanoseconds, swings: [Double]
  ) -> Result {
    let records = node.takeRecords()
    let done = records.requests.filter { $0.status == 0 }.map { Double($0.answered - $0.arrived) / 1e6 }.sorted()
    let batches = records.actions.filter { $0.kind == .infer }
    let single = batches.filter { $0.batchSize == 1 }.compactMap { batch in
      batch.duration.map { (duration: Double($0), expected: Double(batch.expectedDuration)) }
    }
    let errors = single.map { abs($0.duration - Double(reported)) / Double(reported) }.sorted()
    let controllerErrors = single.map { abs($0.duration - $0.expected) / Double(reported) }.sorted()
    func quantile(_ values: [Double], _ share: Double) -> Double {
      values.isEmpty ? .nan : values[min(values.count - 1, Int(Double(values.count) * share))]
    }
    let failures = records.requests.map(\.status).filter { $0 != 0 }
    return Result(
      exits: mode, requests: records.requests.count, late: batches.count { [71, 81].contains($0.status) },
      timeouts: failures.count { $0 == 4 }, otherFailures: failures.count { ![4, 71, 81].contains($0) },
      reportedMilliseconds: Double(reported) / 1e6,
      measuredMilliseconds: Distribution(single.isEmpty ? [.nan] : single.map { $0.duration / 1e6 }),
      predictionErrorP50: quantile(errors, 0.5), predictionErrorP99: quantile(errors, 0.99),
      swingP50: quantile(swings, 0.5), swingP99: quantile(swings, 0.99),
      controllerErrorP50: quantile(controllerErrors, 0.5), controllerErrorP99: quantile(controllerErrors, 0.99),
      latencyMilliseconds: Distribution(done.isEmpty ? [.nan] : done),
      latencyP99Milliseconds: quantile(done, 0.99),
      meanBatch: Double(batches.reduce(0) { $0 + $1.batchSize }) / Double(max(1, batches.count)),
      violations: node.controller.violations)
  }

  /// Compressed beforehand: a client of a real service has a machine of its own for that.
  private func items(byteCount: Int) throws -> [[UInt8]] {
    try rawItems(byteCount: byteCount).map { try ClockworkClient.compressed($0) }
  }

  private func rawItems(byteCount: Int) throws -> [[UInt8]] {
    if let inputs {
      let tensor = try NumPyFile.read(at: inputs)
      guard let count = tensor.shape.first, count > 0, tensor.storage.byteCount == count * byteCount else {
        throw BenchError.invalidOption("\(inputs) holds \(tensor.shape), not items of \(byteCount) bytes")
      }
      return tensor.storage.withUnsafeBytes { bytes in
        (0..<count).map { Array(bytes[($0 * byteCount)..<(($0 + 1) * byteCount)]) }
      }
    }
    var generator = SeededGenerator(seed: 3)
    return (0..<32).map { _ in
      (0..<(byteCount / 4)).map { _ in Float.random(in: -1..<1, using: &generator) }.withUnsafeBytes { Array($0) }
    }
  }

  private func wait(_ client: ClockworkClient, _ item: [UInt8]) {
    let outstanding = Outstanding()
    outstanding.add()
    client.infer(model: 0, compressed: item) { _ in outstanding.remove() }
    outstanding.waitForAll()
  }

  private func text(of result: Result) -> String {
    String(
      format: """
        exits %@: %d requests, %d late actions, %d timeouts, %d other failures; mean batch %.2f
          reported %.3f ms, measured %.3f [%.3f, %.3f]; prediction error P50 %.1f %%, P99 %.1f %%, \
        the controller's %.1f %%, %.1f %%; one by one %.1f %%, %.1f %% about the median
          latency median %.2f ms [%.2f, %.2f], P99 %.2f ms
        """, result.exits, result.requests, result.late, result.timeouts, result.otherFailures, result.meanBatch,
      result.reportedMilliseconds, result.measuredMilliseconds.median, result.measuredMilliseconds.lowerQuartile,
      result.measuredMilliseconds.upperQuartile, result.predictionErrorP50 * 100, result.predictionErrorP99 * 100,
      result.controllerErrorP50 * 100, result.controllerErrorP99 * 100, result.swingP50 * 100, result.swingP99 * 100,
      result.latencyMilliseconds.median, result.latencyMilliseconds.lowerQuartile,
      result.latencyMilliseconds.upperQuartile, result.latencyP99Milliseconds)
      + (result.violations.isEmpty ? "" : "\n  violations: \(result.violations)")
  }
}

/// Counts what is on its way.
private final class Outstanding: Sendable {
  private let group = DispatchGroup()
  func add() { group.enter() }
  func remove() { group.leave() }
  /// At most a minute.
  func waitForAll() { _ = group.wait(timeout: .now() + 60) }
}
