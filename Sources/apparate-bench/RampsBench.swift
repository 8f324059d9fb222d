import ArgumentParser
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Serving
import Synchronization

/// What ramps cost: in a run, in reading back what they say, and in the engine around it.
struct RampsBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ramps",
    abstract: "Measure what active ramps cost a run and how soon their results are in the host's hands.",
    discussion: """
      Ramps get random weights and sit at all sites. Kinds of runs take turns: without ramps, with some, and through the
      early-exit engine, whose items all leave at the first active ramp. The inputs are random numbers.
      """)

  @Argument(help: "ONNX files without ramps.")
  var models: [String]

  @Option(help: "Threads of the device.")
  var threads = 2

  @Option(help: "Batch size.")
  var batch = 1

  @Option(help: "Extents of the inputs other than the batch where the model leaves them open.")
  var extent = 32

  @Option(name: .customLong("repeat"), help: "Runs of each kind.")
  var repetitions = 200

  @Flag(help: "Print one JSON object a line.")
  var json = false

  private struct Result: Encodable {
    let model: String
    let threads: Int
    let batch: Int
    let activeRamps: Int
    /// Of a run without ramps.
    let vanillaMilliseconds: Double
    /// What the ramps' kernels take by themselves, as a share of the run.
    let kernelShare: Double
    /// Pairs of runs, ÷ one without ramps: nothing leaves early, and everything at the first active ramp.
    let stayingCost: Distribution
    let leavingCost: Distribution
    /// Through the engine with batches waiting, ÷ that of a policy without ramps: likewise.
    let stayingThroughput: Distribution
    let leavingThroughput: Distribution
    /// From the end of the first active ramp to its result in the host's hands.
    let releaseMicroseconds: Distribution
  }

  func validate() throws {
    guard (1...4096).contains(batch) else { throw ValidationError("--batch is a number from 1 to 4096") }
    guard repetitions > 1 else { throw ValidationError("--repeat is at least 2") }
    guard (1...1024).contains(threads) else { throw ValidationError("--threads is a number from 1 to 1024") }
  }

  func run() throws {
    ProcessorThreads.setCount(threads)
    let device = try Device.select()
    let report = Report(json: json)
    if !json {
      print("                                                 cost of a run       throughput")
      print("model                        ramps  vanilla ms  kernels  staying  leaving  staying  leaving  release µs")
    }
    for path in models {
      for result in try measure(path, on: device, report) {
        if json {
          report.line(result)
        } else {
          func percent(_ value: Double) -> String {
            String(format: "%.2f %%", value * 100).padding(toLength: 9, withPad: " ", startingAt: 0)
          }
          let release = result.releaseMicroseconds
          print(
            result.model.padding(toLength: 29, withPad: " ", startingAt: 0)
              + String(format: "%-7d%-12.3f", result.activeRamps, result.vanillaMilliseconds)
              + percent(result.kernelShare) + percent(result.stayingCost.median - 1)
              + percent(result.leavingCost.median - 1) + percent(result.stayingThroughput.median)
              + percent(result.leavingThroughput.median)
              + String(format: "%.0f [%.0f, %.0f]", release.median, release.lowerQuartile, release.upperQuartile))
        }
      }
    }
  }

  private func measure(_ path: String, on device: Device, _ report: Report) throws -> [Result] {
    let name = URL(filePath: path).lastPathComponent
    report.progress("\(name): loading")
    let graph = try ONNXImporter.importModel(at: path)
    let (prepared, inputs) = try withRandomRamps(graph)
    var options = EarlyExitEngine.Options()
    options.onObservation = { _ in }
    let engine = try EarlyExitEngine(prepared, name: name, device: device, options: options)
    let model = engine.model
    _ = try model.prepare(inputs)
    let count = prepared.description.ramps.count
    return try [1, 2, 4, count].filter { $0 <= count }.map { active in
      let ramps = (0..<active).map { $0 * count / active }
      report.progress("\(name): \(active) ramps, \(repetitions) runs of each kind")
      return try measure(engine, prepared, ramps, inputs, name)
    }
  }

  private func measure(
    _ engine: EarlyExitEngine, _ prepared: PreparedModel, _ ramps: [Int], _ inputs: [String: Tensor], _ name: String
  ) throws -> Result {
    let model = engine.model
    let sides = try model.sideOutputs(ramps.map { prepared.description.ramps[$0].logits })
    func gates(_ limit: Float) -> [SideGate] {
      ramps.indices.map { SideGate(scores: $0, complete: [$0], limit: limit, score: .oneMinusTop1) }
    }
    let clock = ContinuousClock()
    func milliseconds(_ body: () throws -> Void) rethrows -> Double { try clock.measure(body) / .milliseconds(1) }
    var first = ContinuousClock.Instant.now
    var runs: [(vanilla: Double, staying: Double, leaving: Double, release: Double)] = []
    for round in 0..<repetitions + 5 {
      // Where the choice of side outputs changes, one run does not count.
      _ = try model.run(inputs)
      let vanilla = try milliseconds { _ = try model.run(inputs) }
      _ = try model.run(inputs, sides: sides)
      let staying = try milliseconds { _ = try model.run(inputs, sides: sides, gates: gates(0)) { _ in } }
      let start = clock.now
      let leaving = try milliseconds {
        _ = try model.run(inputs, sides: sides, gates: gates(2)) { if $0.index == 0 { first = clock.now } }
      }
      if round >= 5 { runs.append((vanilla, staying, leaving, (first - start) / .microseconds(1))) }
    }
    let saturated = try throughput(of: engine, ramps, inputs)
    let kernels = try model.times(inputs, of: [sides], repetitions: 50)[0] * 1e3
    let site = prepared.description.ramps[ramps[0]]
    let until = try model.times(inputs, until: [site.site], repetitions: 50).untilCut[0]
    let one = try model.times(inputs, of: [model.sideOutputs([site.logits])], repetitions: 50)[0]
    let vanilla = Distribution(runs.map(\.vanilla)).median
    return Result(
      model: name, threads: threads, batch: batch, activeRamps: ramps.count, vanillaMilliseconds: vanilla,
      kernelShare: kernels / vanilla, stayingCost: Distribution(runs.map { $0.staying / $0.vanilla }),
      leavingCost: Distribution(runs.map { $0.leaving / $0.vanilla }),
      stayingThroughput: Distribution(saturated.map { $0.vanilla / $0.staying }),
      leavingThroughput: Distribution(saturated.map { $0.vanilla / $0.leaving }),
      releaseMicroseconds: Distribution(runs.map { $0.release - (until + one) * 1e6 }))
  }

  /// Seconds for a number of batches that all wait at once, round by round.
  private func throughput(
    of engine: EarlyExitEngine, _ ramps: [Int], _ inputs: [String: Tensor]
  ) throws -> [(vanilla: Double, staying: Double, leaving: Double)] {
    let clock = ContinuousClock()
    func seconds(_ threshold: Float?) throws -> Double {
      let exits = threshold.map { limit in ramps.map { ExitPolicy.Exit(ramp: RampID($0), threshold: limit) } } ?? []
      try engine.setPolicy(ExitPolicy(version: 1, exits: exits))
      func serve(_ count: Int) throws {
        let waiters = (0..<count).map { _ in Waiter() }
        for waiter in waiters { engine.submit(Batch(inputs: inputs, count: batch), to: waiter) }
        for waiter in waiters { try waiter.wait() }
      }
      try serve(1)
      return try clock.measure { try serve(20) } / .seconds(1)
    }
    return try (0..<max(5, repetitions / 20)).map { _ in (try seconds(nil), try seconds(0), try seconds(2)) }
  }

  private func withRandomRamps(_ graph: Graph) throws -> (PreparedModel, inputs: [String: Tensor]) {
    var generator = SystemRandomNumberGenerator()
    var inputs: [String: Tensor] = [:]
    var shapes: [ValueID: Shape] = [:]
    for value in graph.inputs {
      guard let dimensions = graph[value].shape else {
        throw BenchError.invalidOption("\(graph[value].name): the rank of this input is not known")
      }
      let shape = dimensions.enumerated().map { axis, dimension in
        dimension.fixedExtent ?? (axis == 0 ? batch : extent)
      }
      shapes[value] = shape
      let count = shape.reduce(1, *)
      inputs[graph[value].name] =
        graph[value].type == .float32
        ? Tensor((0..<count).map { _ in Float.random(in: -1..<1, using: &generator) }, shape: shape)
        : Tensor([Int64](repeating: 1, count: count), shape: shape)
    }
    let found = try RampSites(graph, inputShapes: shapes)
    let features = FeatureGraph(graph, found, style: .poolingLinear)
    let ramps = try features.sites.map { site in
      let count = features.classes * site.shape.count
      let layer = try DenseWeights(
        outputs: features.classes, inputs: site.shape.count,
        weight: (0..<count).map { _ in Float.random(in: -0.1..<0.1, using: &generator) },
        bias: [Float](repeating: 0, count: features.classes))
      return PreparedModel.NewRamp(
        site: site.site, weights: .poolingLinear(layer), temperature: 1, validationAgreement: 0)
    }
    return (try PreparedModel(adding: ramps, to: graph, head: found.head), inputs)
  }
}

/// Waits for a batch.
private final class Waiter: AnswerReceiver {
  private let failure = Mutex<ServingError?>(nil)
  private let hasFinished = DispatchSemaphore(value: 0)

  func receive(_ answers: Answers) {}

  func finish(_ outcome: Result<BatchTiming, ServingError>) {
    if case .failure(let error) = outcome { failure.withLock { $0 = error } }
    hasFinished.signal()
  }

  func wait() throws {
    guard hasFinished.wait(timeout: .now() + 600) == .success else {
      throw BenchError.invalidOption("a batch took longer than ten minutes")
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
