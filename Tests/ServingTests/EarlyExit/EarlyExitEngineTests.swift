import Dispatch
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import Serving
import Synchronization
import Testing

@Suite("Early-exit engine")
struct EarlyExitEngineTests {
  private func engine(
    _ workload: Workload = .resnet, _ prepared: PreparedModel? = nil,
    _ change: (inout EarlyExitEngine.Options) -> Void = { _ in }
  ) throws -> EarlyExitEngine {
    var options = EarlyExitEngine.Options()
    options.loading.singleLaunch = false
    change(&options)
    return try EarlyExitEngine(
      prepared ?? workload.prepared(), name: "test/1", device: Workload.device.get(), options: options)
  }

  private func policy(_ exits: [(Int, Float)], version: UInt64 = 1) throws -> ExitPolicy {
    try ExitPolicy(
      version: version, exits: exits.map { ExitPolicy.Exit(ramp: RampID($0.0), threshold: $0.1) })
  }

  private func batch(_ items: Range<Int>, exact: [Int] = [], padding: Int = 0) -> Batch {
    Batch(inputs: Workload.resnet.inputs(items: items), count: items.count, exactItems: exact, padding: padding)
  }

  /// Softmax in double precision: how sure a row of scores is, and of what.
  private func reading(_ row: [Float]) -> (error: Double, label: Int) {
    let top = row.max() ?? 0
    let sum = row.reduce(0.0) { $0 + Foundation.exp(Double($1) - Double(top)) }
    return (1 - 1 / sum, row.firstIndex(of: top) ?? 0)
  }

  @Test(arguments: Workload.all, [false, true])
  func itemsLeaveWhereTheScoresSayAndWithTheRampsBits(in workload: Workload, inOneLaunch: Bool) throws {
    // One model is enough to see that the device's look at the scores does not keep anyone in.
    guard !inOneLaunch || workload.name == "ResNet-18" else { return }
    let prepared = try workload.prepared()
    let ramps = prepared.description.ramps
    let chosen = [1, ramps.count / 2, ramps.count - 1]
    let items = 12
    let observations = Mutex<[Observation]>([])
    let engine = try engine(workload, prepared) { options in
      options.isSynchronous = true
      options.loading.singleLaunch = inOneLaunch
      options.onObservation = { observation in observations.withLock { $0.append(observation) } }
    }
    if inOneLaunch { _ = try engine.model.prepare(workload.inputs(items: 0..<items)) }
    let model = try workload.load(prepared)
    let inputs = workload.inputs(items: 0..<items)
    let reference = try model.run(inputs, sides: model.sideOutputs(prepared.sideOutputs))
    let classes = prepared.description.classes
    func rows(_ name: String) throws -> [[Float]] {
      let floats = try #require(reference[name]).floats
      return (0..<items).map { Array(floats[$0 * classes..<($0 + 1) * classes]) }
    }
    // Thresholds in the middle of what scores there are, so that some items leave and others do not.
    var exits: [(Int, Float)] = []
    for ramp in chosen {
      let errors = try rows(ramps[ramp].logits).map { reading($0).error }.sorted()
      exits.append((ramp, Float((errors[items / 3] + errors[items / 3 + 1]) / 2)))
    }
    try engine.setPolicy(policy(exits, version: 7))
    let answers = try engine.run(Batch(inputs: inputs, count: items)).answers(of: "logits")
    let finals = try rows("logits")
    var places: Set<ExitPosition> = []
    for item in 0..<items {
      var expected = ExitPosition.final
      for (ramp, threshold) in exits.reversed() {
        if try reading(rows(ramps[ramp].logits)[item]).error < Double(threshold) { expected = .ramp(RampID(ramp)) }
      }
      let answer = try #require(answers[item])
      #expect(answer.exit == expected, "item \(item)")
      places.insert(answer.exit)
      let name = if case .ramp(let ramp) = expected { ramps[ramp.rawValue].logits } else { "logits" }
      #expect(try answer.row == #require(reference[name]).items(item..<item + 1).bytes, "item \(item) at \(expected)")
    }
    #expect(places.count > 1, "nothing was tried")

    let seen = observations.withLock { $0 }
    #expect(seen.map(\.item) == Array(0..<items) && seen.allSatisfy { $0.batchSize == items && $0.policyVersion == 7 })
    for observation in seen {
      #expect(observation.exit == answers[observation.item]?.exit)
      #expect(observation.label == reading(finals[observation.item]).label)
      for ramp in ramps.indices {
        guard chosen.contains(ramp) else {
          #expect(observation.scores[ramp].isNaN && observation.labels[ramp] == -1)
          continue
        }
        let expected = try reading(rows(ramps[ramp].logits)[observation.item])
        #expect(abs(Double(observation.scores[ramp]) - expected.error) < 1e-5)
        #expect(observation.labels[ramp] == expected.label)
      }
    }
    let statistics = engine.statistics
    #expect(statistics.items == UInt64(items) && statistics.batches == 1 && statistics.policyVersion == 7)
    #expect(statistics.finalExits == UInt64(answers.values.count { $0.exit == .final }))
    #expect(statistics.earlyAgreements == UInt64(seen.count { $0.exit != .final && $0.agrees }))
    for ramp in statistics.ramps {
      #expect(ramp.isActive == chosen.contains(ramp.ramp.rawValue))
      #expect(ramp.exits == UInt64(answers.values.count { $0.exit == .ramp(ramp.ramp) }))
      #expect(ramp.observed == (ramp.isActive ? UInt64(items) : 0))
    }
  }

  @Test func anItemsAnswerDoesNotDependOnItsBatch() throws {
    let engine = try engine { $0.control = .pinned(try! policy([(1, 0.35), (4, 0.5)])) }
    let whole = try engine.run(batch(0..<6)).answers(of: "logits")
    for size in [1, 2, 3] {
      for start in stride(from: 0, to: 6, by: size) {
        let part = try engine.run(batch(start..<start + size)).answers(of: "logits")
        for item in 0..<size {
          #expect(part[item]?.exit == whole[start + item]?.exit && part[item]?.row == whole[start + item]?.row)
        }
      }
    }
  }

  @Test func exactItemsGetTheModelsOwnAnswerAndFillGetsNone() throws {
    let engine = try engine { $0.control = .pinned(try! policy([(2, 2)])) }
    let answers = try engine.run(batch(0..<5, exact: [1, 3], padding: 1)).answers(of: "logits")
    #expect(Set(answers.keys) == [0, 1, 2, 3])
    let early = ExitPosition.ramp(RampID(2))
    #expect(
      answers[0]?.exit == early && answers[2]?.exit == early && answers[1]?.exit == .final && answers[3]?.exit == .final
    )
    let vanilla = try self.engine(.resnet, PreparedModel(graph: Workload.resnet.graph()))
    let own = try vanilla.run(batch(0..<5)).answers(of: "logits")
    #expect(answers[1]?.row == own[1]?.row && answers[3]?.row == own[3]?.row)
    #expect(own.values.allSatisfy { $0.exit == .final } && own.count == 5)
    #expect(vanilla.statistics.items == 5 && vanilla.statistics.agreement == 1)
  }

  @Test func aThresholdOfZeroReleasesNothing() throws {
    let engine = try engine { $0.control = .pinned(try! policy([(0, 0), (3, 0)])) }
    #expect(try engine.run(batch(0..<4)).answers(of: "logits").values.allSatisfy { $0.exit == .final })
    #expect(engine.statistics.ramps[3].observed == 4)
  }

  @Test func aBatchRunsUnderOnePolicyHoweverOftenPoliciesChange() throws {
    let engine = try engine()
    let first = try policy([(0, 2)], version: 1)
    let last = try policy([(1, 0), (6, 2)], version: 2)
    let isOver = Atomic<Bool>(false)
    let hasEnded = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      var turn = 0
      while !isOver.load(ordering: .acquiring) {
        try? engine.setPolicy(turn % 2 == 0 ? first : last)
        turn += 1
        Thread.sleep(forTimeInterval: 0.0005)
      }
      hasEnded.signal()
    }
    var receivers: [Receiver] = []
    for number in 0..<40 {
      receivers.append(Receiver())
      engine.submit(batch(number..<number + 3), to: receivers[number])
    }
    for receiver in receivers {
      let exits = Set(try receiver.answers(of: "logits").values.map(\.exit))
      #expect(exits == [.ramp(RampID(0))] || exits == [.ramp(RampID(6))] || exits == [.final])
      #expect(try receiver.wait().map(\.items).joined().sorted() == [0, 1, 2])
    }
    isOver.store(true, ordering: .releasing)
    #expect(hasEnded.wait(timeout: .now() + 60) == .success)
  }

  @Test func aPolicyForARampThatThereIsNotIsRefused() throws {
    let engine = try engine()
    #expect(throws: EarlyExitError.self) { try engine.setPolicy(policy([(99, 0.5)])) }
    #expect(engine.policy == .none)
  }

  @Test func moreBatchesThanMayWaitAreRefusedAtOnce() throws {
    let engine = try engine { $0.queueLimit = 2 }
    _ = try engine.run(batch(0..<1))
    let (isBlocked, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let blocking = Receiver {
      isBlocked.signal()
      _ = mayGoOn.wait(timeout: .now() + 60)
    }
    engine.submit(batch(0..<1), to: blocking)
    #expect(isBlocked.wait(timeout: .now() + 60) == .success)
    let waiting = (0..<2).map { _ in Receiver() }
    for receiver in waiting { engine.submit(batch(0..<1), to: receiver) }
    let refused = Receiver()
    engine.submit(batch(0..<1), to: refused)
    #expect(throws: ServingError.overloaded(waiting: 2, limit: 2)) { try refused.wait() }
    #expect(engine.statistics.queueDepth == 2 && engine.statistics.refusedBatches == 1)
    mayGoOn.signal()
    for receiver in waiting { #expect(try receiver.wait().count == 1) }
  }

  @Test func shuttingDownRunsWhatWaitsAndRefusesTheRest() throws {
    let engine = try engine()
    let receivers = (0..<4).map { _ in Receiver() }
    for receiver in receivers { engine.submit(batch(0..<1), to: receiver) }
    #expect(engine.shutDown(within: .seconds(120)))
    for receiver in receivers { #expect(try receiver.wait().count == 1) }
    let late = Receiver()
    engine.submit(batch(0..<1), to: late)
    #expect(throws: ServingError.shuttingDown(name: "test/1")) { try late.wait() }
  }

  @Test func shuttingDownDoesNotWaitForEver() throws {
    let engine = try engine()
    let (isBlocked, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let blocking = Receiver {
      isBlocked.signal()
      _ = mayGoOn.wait(timeout: .now() + 60)
    }
    engine.submit(batch(0..<1), to: blocking)
    #expect(isBlocked.wait(timeout: .now() + 60) == .success)
    let waiting = Receiver()
    engine.submit(batch(0..<1), to: waiting)
    #expect(!engine.shutDown(within: .milliseconds(1)))
    #expect(throws: ServingError.shuttingDown(name: "test/1")) { try waiting.wait() }
    mayGoOn.signal()
    #expect(try blocking.wait().count == 1)
  }

  @Test func wrongInputsAreRefusedWithWhatIsExpected() throws {
    let engine = try engine(.sentiment)
    func error(_ inputs: [String: Tensor], count: Int = 2) -> ServingError? {
      let receiver = Receiver()
      engine.submit(Batch(inputs: inputs, count: count), to: receiver)
      do { _ = try receiver.wait() } catch { return error as? ServingError }
      return nil
    }
    let ids = Tensor([Int64](repeating: 5, count: 8), shape: [2, 4])
    let names = ["attention_mask", "input_ids"]
    #expect(error(["input_ids": ids]) == .wrongInputs(sent: ["input_ids"], expected: names))
    #expect(
      error(["input_ids": ids, "attention_mask": Tensor([Float](repeating: 1, count: 8), shape: [2, 4])])
        == .wrongType(input: "attention_mask", expected: .int64, got: .float32))
    #expect(error(["input_ids": ids, "attention_mask": ids], count: 3) == .unequalBatchSizes)
    #expect(
      error(["input_ids": ids, "attention_mask": Tensor([Int64(1)], shape: [])])
        == .noBatchAxis(input: "attention_mask"))
    let long = Tensor([Int64](repeating: 1, count: 10), shape: [2, 5])
    #expect(
      error(["input_ids": ids, "attention_mask": long])
        == .wrongShape(input: "attention_mask", expected: [2, 4], got: [2, 5]))
    let flat = Tensor([Int64](repeating: 1, count: 2), shape: [2])
    #expect(
      error(["input_ids": flat, "attention_mask": flat])
        == .wrongShape(input: "input_ids", expected: [nil, nil], got: [2]))
    let none = Tensor([Int64](), shape: [0, 4])
    #expect(error(["input_ids": none, "attention_mask": none], count: 0) != nil)
    #expect(engine.statistics.batches == 0)
    #expect(engine.signature.inputs.map(\.name) == ["input_ids", "attention_mask"])
    #expect(engine.signature.outputs == [TensorSpec(name: "logits", type: .float32, shape: [nil, 2])])
  }
}
