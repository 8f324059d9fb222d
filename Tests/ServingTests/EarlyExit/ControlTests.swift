import Dispatch
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import Serving
import Synchronization
import Testing

@Suite("Engine under a controller")
struct ControlTests {
  private static let latencies = Result {
    let count = try Workload.resnet.prepared().description.ramps.count
    return try LatencyProfile([
      .init(
        batchSize: 1, untilSite: (1...count).map { Double($0) * 1e-4 },
        rampCost: [Double](repeating: 4e-6, count: count), total: 1e-3)
    ])
  }

  private func engine(
    _ controller: ControllerOptions, stateFile: String? = nil, _ change: (inout EarlyExitEngine.Options) -> Void
  ) throws -> EarlyExitEngine {
    var options = EarlyExitEngine.Options()
    options.loading.singleLaunch = false
    options.latencies = try Self.latencies.get()
    options.isSynchronous = true
    options.control = .adaptive(controller, stateFile: stateFile)
    change(&options)
    return try EarlyExitEngine(
      Workload.resnet.prepared(), name: "test/1", device: Workload.device.get(), options: options)
  }

  private var eager: ControllerOptions {
    var options = ControllerOptions.paper
    options.tuningPeriod = 16
    options.tuningItems = 64
    options.windowCapacity = 256
    options.accuracy = try! AccuracyConstraint(0.5)
    return options
  }

  private func serve(_ engine: EarlyExitEngine, batches: Int, of size: Int = 8) throws {
    for number in 0..<batches {
      let items = number * size..<(number + 1) * size
      _ = try engine.run(Batch(inputs: Workload.resnet.inputs(items: items), count: size))
    }
  }

  @Test func theSameInputsGiveTheSamePolicies() throws {
    let streams = try (0..<2).map { _ in
      let seen = Mutex<[Observation]>([])
      let engine = try engine(eager) { options in
        options.onObservation = { observation in seen.withLock { $0.append(observation) } }
      }
      try serve(engine, batches: 12)
      return seen.withLock { $0 }
    }
    // NaN marks what was not observed, and does not equal itself.
    func key(_ observation: Observation) -> String { "\(observation)" }
    #expect(streams[0].map(key) == streams[1].map(key) && streams[0].count == 96)
    #expect(Set(streams[0].map(\.policyVersion)).count > 1, "no policy was ever published")
  }

  @Test func rampsThatKnowNothingReleaseNothing() throws {
    var options = ControllerOptions()
    options.tuningPeriod = 32
    let engine = try engine(options) { _ in }
    try serve(engine, batches: 40)
    #expect(engine.statistics.items == 320 && engine.statistics.agreement >= 0.99)
    #expect(engine.statistics.earlyExits == 0)
    #expect(engine.controllerStatus?.answers == 320)
  }

  @Test func theControllersThreadTakesInAllThatIsObserved() throws {
    let engine = try engine(eager) { $0.isSynchronous = false }
    try serve(engine, batches: 6)
    #expect(engine.shutDown(within: .seconds(60)))
    #expect(engine.controllerStatus?.answers == 48 && engine.statistics.lostObservations == 0)
  }

  /// Ramps then run with one batch in eight; every answer comes all the same.
  @Test func rampsRunSeldomWhileTheDeviceDoesNotKeepUp() throws {
    let observed = Mutex(0)
    let engine = try engine(eager) { options in
      options.isSynchronous = false
      options.queueLimit = 400
      options.onObservation = { _ in observed.withLock { $0 += 1 } }
    }
    final class Counter: AnswerReceiver {
      let items = Mutex(0)
      let failures = Mutex(0)
      let group = DispatchGroup()
      func receive(_ answers: Answers) { items.withLock { $0 += answers.items.count } }
      func finish(_ outcome: Result<BatchTiming, ServingError>) {
        if case .failure = outcome { failures.withLock { $0 += 1 } }
        group.leave()
      }
    }
    let counter = Counter()
    let batch = Batch(inputs: Workload.resnet.inputs(items: 0..<1), count: 1)
    try engine.prepare(batch)
    // More than the engine can have ended before the last one is there.
    for _ in 0..<400 {
      counter.group.enter()
      engine.submit(batch, to: counter)
    }
    #expect(counter.group.wait(timeout: .now() + 120) == .success)
    #expect(engine.shutDown(within: .seconds(60)))
    #expect(counter.items.withLock { $0 } == 400 && counter.failures.withLock { $0 } == 0)
    #expect(engine.statistics.items == 400)
    let seen = observed.withLock { $0 }
    #expect(seen >= 50 && seen < 300, "\(seen) of 400 were observed")
  }

  private func withDirectory(_ body: (String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("apparate-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory.path)
  }

  @Test func whatWasLearntSurvivesARestart() throws {
    try withDirectory { directory in
      let file = directory + "/model.state"
      let first = try engine(eager, stateFile: file) { _ in }
      try serve(first, batches: 8)
      #expect(first.shutDown(within: .seconds(60)))
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["model.state"])
      let lines = Mutex<[String]>([])
      let second = try engine(eager, stateFile: file) { options in
        options.log = { line in lines.withLock { $0.append(line) } }
      }
      #expect(second.policy.exits == first.policy.exits && second.controllerStatus?.answers == 64)
      #expect(lines.withLock { $0.isEmpty })
    }
  }

  @Test func aDamagedStateIsRefusedAndNothingLeavesAtFirst() throws {
    try withDirectory { directory in
      let file = directory + "/model.state"
      let first = try engine(eager, stateFile: file) { _ in }
      try serve(first, batches: 4)
      first.shutDown(within: .seconds(60))
      let intact = try Data(contentsOf: URL(fileURLWithPath: file))
      var flipped = intact
      flipped[intact.count / 2] ^= 0x10
      for bytes in [flipped, intact.dropLast(9), Data("not a state".utf8), Data()] {
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        let lines = Mutex<[String]>([])
        let second = try engine(eager, stateFile: file) { options in
          options.log = { line in lines.withLock { $0.append(line) } }
        }
        #expect(lines.withLock { $0.count == 1 && $0[0].contains("starts without exits") && $0[0].contains(file) })
        #expect(!second.policy.releasesAnything && second.controllerStatus?.answers == 0)
      }
    }
  }

  @Test func nothingLeavesEarlyWhileTheDeviceDoesNotKeepUp() throws {
    let observed = Mutex<[(batch: UInt64, exit: ExitPosition)]>([])
    var controller = eager
    controller.tuningPeriod = 10_000
    controller.adjustmentPeriod = 0
    controller.accuracy = try AccuracyConstraint(0)
    let engine = try engine(controller) { options in
      options.isSynchronous = false
      options.learnsFromBootstrap = false
      options.queueLimit = 128
      options.onObservation = { observation in observed.withLock { $0.append((observation.batch, observation.exit)) } }
    }
    // Everyone leaves at the first ramp, and the controller does not mind.
    try engine.setPolicy(ExitPolicy(version: 1, exits: [ExitPolicy.Exit(ramp: RampID(0), threshold: 1000)]))
    func batch(_ item: Int) -> Batch { Batch(inputs: Workload.resnet.inputs(items: item..<item + 1), count: 1) }
    // The first batch leaves none waiting, and goes on when all others wait.
    let (hasBegun, allWait) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let first = Receiver(onAnswer: {
      hasBegun.signal()
      allWait.wait()
    })
    engine.submit(batch(0), to: first)
    hasBegun.wait()
    let others = (0..<99).map { _ in Receiver() }
    for receiver in others { engine.submit(batch(1), to: receiver) }
    allWait.signal()
    _ = try first.wait()
    let exits = try others.map { try #require($0.answers(of: "logits")[0]).exit }
    let early = exits.indices.filter { exits[$0] != .final }
    // It is overload once more than 32 in a row left some waiting; the last of all leaves none.
    #expect(early == Array(0..<32) + [98])
    engine.shutDown(within: .seconds(60))
    // The ramps are still heard in one batch of eight.
    let inOverload = observed.withLock { $0.map(\.batch) }.filter { (33..<99).contains($0) }
    #expect(inOverload == stride(from: 40, to: 99, by: 8).map { UInt64($0) })
  }
}
