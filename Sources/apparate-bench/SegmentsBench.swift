import ArgumentParser
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime

/// What launching costs: a run cut into segments beside one that is not, and the share of a run outside kernels.
struct SegmentsBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "segments",
    abstract: "Measure what cutting a model into segments costs, and the time of a run outside kernels.",
    discussion: "Runs take turns, uncut and cut. The inputs are random numbers.")

  @Argument(help: "ONNX files.")
  var models: [String]

  @Option(help: "Segments to cut into, at cut vertices that are evenly spread over the nodes.")
  var segments = 16

  @Option(help: "Threads of the device.")
  var threads = 2

  @Option(help: "Batch size.")
  var batch = 1

  @Option(name: .customLong("repeat"), help: "Runs of each kind.")
  var repetitions = 200

  @Flag(help: "Print one JSON object a line.")
  var json = false

  private struct Result: Encodable {
    let model: String
    let threads: Int
    let batch: Int
    let segments: Int
    let uncutMilliseconds: Double
    let cutMilliseconds: Double
    /// Of each pair of runs, cut ÷ uncut.
    let cost: Distribution
    /// Of a run's time, what passes outside kernels.
    let outsideKernels: Distribution
  }

  func validate() throws {
    guard (2...1000).contains(segments) else { throw ValidationError("--segments is a number from 2 to 1000") }
    guard (1...4096).contains(batch) else { throw ValidationError("--batch is a number from 1 to 4096") }
    guard repetitions > 1 else { throw ValidationError("--repeat is at least 2") }
    guard (1...1024).contains(threads) else { throw ValidationError("--threads is a number from 1 to 1024") }
  }

  func run() throws {
    ProcessorThreads.setCount(threads)
    let device = try Device.select()
    let report = Report(json: json)
    if !json {
      print("model                           segments  uncut ms  cut ms    cost [quartiles]           outside kernels")
    }
    for path in models {
      let result = try measure(path, on: device, report)
      if json {
        report.line(result)
      } else {
        func percent(_ value: Double) -> String { String(format: "%.2f %%", value * 100) }
        let cost = result.cost
        print(
          result.model.padding(toLength: 32, withPad: " ", startingAt: 0)
            + String(
              format: "%-10d%-10.3f%-10.3f", result.segments, result.uncutMilliseconds, result.cutMilliseconds)
            + "\(percent(cost.median - 1)) [\(percent(cost.lowerQuartile - 1)), \(percent(cost.upperQuartile - 1))]   "
            + percent(result.outsideKernels.median))
      }
    }
  }

  private func measure(_ path: String, on device: Device, _ report: Report) throws -> Result {
    let graph = try ONNXImporter.importModel(at: path)
    let inputs = try randomInputs(of: graph)
    let name = URL(filePath: path).lastPathComponent
    report.progress("\(name): loading")
    let model = try LoadedModel(graph: graph, device: device)
    let cuts = try model.prepare(inputs).cuts.map(\.name)
    let count = min(segments - 1, cuts.count)
    let chosen = (1...max(1, count)).map { cuts[$0 * cuts.count / (count + 1)] }
    let clock = ContinuousClock()
    func milliseconds(_ cuts: [String]) throws -> Double {
      let duration = try clock.measure { _ = try model.run(inputs, cuts: cuts) }
      return Double(duration.components.seconds) * 1e3 + Double(duration.components.attoseconds) * 1e-15
    }
    report.progress("\(name): \(repetitions) runs, uncut and cut")
    for _ in 0..<5 { _ = try (milliseconds([]), milliseconds(chosen)) }
    var times: [(uncut: Double, cut: Double)] = []
    for round in 0..<repetitions {
      if round % 2 == 0 {
        times.append((try milliseconds([]), try milliseconds(chosen)))
      } else {
        let cut = try milliseconds(chosen)
        times.append((try milliseconds([]), cut))
      }
    }
    let profiled = try LoadedModel(graph: graph, device: device, profiling: true)
    let launches = try profiled.launchTimes(inputs, repetitions: repetitions + 5).dropFirst(5)
    return Result(
      model: name, threads: threads, batch: batch, segments: chosen.count + 1,
      uncutMilliseconds: Distribution(times.map(\.uncut)).median,
      cutMilliseconds: Distribution(times.map(\.cut)).median,
      cost: Distribution(times.map { $0.cut / $0.uncut }),
      outsideKernels: Distribution(launches.map { 1 - $0.kernels / $0.run }))
  }

  private func randomInputs(of graph: Graph) throws -> [String: Tensor] {
    var generator = SystemRandomNumberGenerator()
    var inputs: [String: Tensor] = [:]
    for value in graph.inputs {
      let name = graph[value].name
      guard graph[value].type == .float32, let dimensions = graph[value].shape else {
        throw BenchError.invalidOption("\(name): only models whose inputs are float tensors can be measured")
      }
      let shape = dimensions.map { dimension in
        if case .fixed(let size) = dimension { size } else { batch }
      }
      let count = shape.reduce(1, *)
      inputs[name] = Tensor((0..<count).map { _ in Float.random(in: 0..<1, using: &generator) }, shape: shape)
    }
    return inputs
  }
}
