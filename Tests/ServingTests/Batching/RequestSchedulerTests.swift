import EarlyExit
import ModelGraph
import Synchronization
import Testing

@testable import Serving

@Suite("The request scheduler", .timeLimit(.minutes(1)))
struct RequestSchedulerTests {
  /// y = x + 1, answered when the test says so. It stands for a device that the test is the clock of.
  private final class SteppedServable: Servable {
    let signature = Signature(
      inputs: [TensorSpec(name: "x", type: .float32, shape: [nil, 2])],
      outputs: [
        TensorSpec(name: "y", type: .float32, shape: [nil, 2]), TensorSpec(name: "z", type: .float32, shape: [nil]),
      ])
    let batches = Mutex<[(batch: Batch, receiver: any AnswerReceiver)]>([])

    func submit(_ batch: Batch, to receiver: any AnswerReceiver) {
      batches.withLock { $0.append((batch, receiver)) }
    }

    var count: Int { batches.withLock { $0.count } }

    /// Answers some items of a batch.
    func answer(_ index: Int, items: [Int], exit: ExitPosition = .final) {
      let (batch, receiver) = batches.withLock { $0[index] }
      let x = batch.inputs["x"]?.floats ?? []
      receiver.receive(
        Answers(
          items: items, exit: exit,
          outputs: [
            "y": Tensor(x.map { $0 + 1 }, shape: batch.inputs["x"]?.shape ?? []),
            "z": Tensor((0..<batch.count).map(Float.init), shape: [batch.count]),
          ]))
    }

    func finish(_ index: Int, _ error: ServingError? = nil) {
      let receiver = batches.withLock { $0[index].receiver }
      let now = ContinuousClock().now
      receiver.finish(error.map { .failure($0) } ?? .success(BatchTiming(submitted: now, started: now, ended: now)))
    }
  }

  /// What a request was told.
  private final class Outcome: Sendable {
    let results = Mutex<[Result<InferenceAnswer, ServingError>]>([])
    var answer: InferenceAnswer? { results.withLock { try? $0.first?.get() } }
    var error: ServingError? {
      results.withLock { if case .failure(let error)? = $0.first { error } else { nil } }
    }
    var count: Int { results.withLock { $0.count } }
  }

  private let servable = SteppedServable()
  private var model: ServedModel {
    ServedModel(
      id: ServableID(name: "m", version: 1), servable: servable, signatures: SignatureMap(default: servable.signature))
  }

  private func scheduler(_ batching: BatchingOptions?, threads: Int = 1) -> RequestScheduler {
    var options = RequestScheduler.Options()
    options.threads = threads
    options.batching = { _ in batching }
    return RequestScheduler(options)
  }

  private func request(_ x: [Float], exact: Bool = false) -> InferenceRequest {
    InferenceRequest(inputs: ["x": Tensor(x, shape: [x.count / 2, 2])], outputs: ["y"], isExact: exact)
  }

  private func submit(_ request: InferenceRequest, to scheduler: RequestScheduler) -> Outcome {
    let outcome = Outcome()
    scheduler.submit(request, to: model) { result in outcome.results.withLock { $0.append(result) } }
    return outcome
  }

  private var batching: BatchingOptions {
    var options = BatchingOptions()
    options.maxBatchSize = 4
    options.timeout = .seconds(3600)
    return options
  }

  @Test("runs each request for itself without batching, and hands its outputs on without a copy")
  func alone() throws {
    let outcome = submit(request([1, 2, 3, 4], exact: true), to: scheduler(nil))
    #expect(servable.batches.withLock { $0[0].batch.exactItems } == [0, 1])
    servable.answer(0, items: [0, 1])
    let answer = try #require(outcome.answer)
    #expect(answer.outputs.keys.sorted() == ["y"])
    #expect(answer.outputs["y"]?.floats == [2, 3, 4, 5])
    #expect(answer.exits == [.final, .final])
    servable.finish(0)
    #expect(outcome.count == 1)
  }

  @Test("puts requests together, and tells each its own rows")
  func together() throws {
    let scheduler = scheduler(batching)
    let first = submit(request([1, 2]), to: scheduler)
    let second = submit(request([3, 4, 5, 6], exact: true), to: scheduler)
    #expect(servable.count == 0)
    let third = submit(request([7, 8]), to: scheduler)
    #expect(servable.count == 1)
    let batch = servable.batches.withLock { $0[0].batch }
    #expect(batch.inputs["x"]?.floats == [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(batch.count == 4 && batch.exactItems == [1, 2] && batch.padding == 0)
    servable.answer(0, items: [0, 1, 2, 3])
    servable.finish(0)
    #expect(first.answer?.outputs["y"]?.floats == [2, 3])
    #expect(second.answer?.outputs["y"]?.floats == [4, 5, 6, 7])
    #expect(second.answer?.outputs["y"]?.shape == [2, 2])
    #expect(third.answer?.outputs["y"]?.floats == [8, 9])
  }

  @Test("tells a request as soon as all its items are final, while its batch goes on")
  func earlyRelease() throws {
    let scheduler = scheduler(batching)
    let first = submit(request([1, 2]), to: scheduler)
    let second = submit(request([3, 4, 5, 6]), to: scheduler)
    let third = submit(request([7, 8]), to: scheduler)
    let (near, far) = (ExitPosition.ramp(RampID(1)), ExitPosition.ramp(RampID(4)))
    servable.answer(0, items: [1, 3], exit: near)
    #expect(third.answer?.exits == [near])
    #expect(first.count == 0 && second.count == 0)
    servable.answer(0, items: [2], exit: far)
    #expect(second.answer?.exits == [near, far])
    #expect(second.answer?.outputs["y"]?.floats == [4, 5, 6, 7])
    #expect(first.count == 0)
    servable.answer(0, items: [0])
    #expect(first.answer?.exits == [.final])
    servable.finish(0)
    #expect([first, second, third].map(\.count) == [1, 1, 1])
  }

  @Test("fills batches up to an allowed size, and says how much is fill")
  func allowedSizes() throws {
    var batching = batching
    batching.allowedBatchSizes = [1, 4]
    batching.timeout = .zero
    let scheduler = scheduler(batching)
    _ = submit(request([9, 9]), to: scheduler)
    let first = submit(request([1, 2]), to: scheduler)
    let second = submit(request([3, 4]), to: scheduler)
    servable.answer(0, items: [0])
    servable.finish(0)
    let batch = servable.batches.withLock { $0[1].batch }
    #expect(batch.count == 4 && batch.padding == 2)
    #expect(batch.inputs["x"]?.floats == [1, 2, 3, 4, 3, 4, 3, 4])
    servable.answer(1, items: [0, 1, 2, 3])
    #expect(first.answer?.outputs["y"]?.floats == [2, 3])
    #expect(second.answer?.outputs["y"]?.floats == [4, 5])
  }

  @Test("spreads a request over batches and puts its answer together again")
  func splitting() throws {
    var batching = batching
    batching.maxBatchSize = 8
    batching.splitsLargeBatches = true
    batching.maxExecutionBatchSize = 2
    batching.timeout = .zero
    let scheduler = scheduler(batching, threads: 8)
    let outcome = submit(request([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), to: scheduler)
    #expect(servable.count == 3)
    servable.answer(1, items: [0, 1], exit: .ramp(RampID(0)))
    servable.finish(1)
    servable.answer(0, items: [0, 1])
    servable.finish(0)
    #expect(outcome.count == 0)
    servable.answer(2, items: [0])
    #expect(outcome.answer?.outputs["y"]?.floats == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    #expect(outcome.answer?.exits == [.final, .final, .ramp(RampID(0)), .ramp(RampID(0)), .final])
  }

  @Test("runs no more batches at once than it may, and lets others grow meanwhile")
  func threads() throws {
    var batching = batching
    batching.timeout = .zero
    let scheduler = scheduler(batching)
    _ = submit(request([1, 2]), to: scheduler)
    for item in 0..<3 { _ = submit(request([Float(item), 0]), to: scheduler) }
    #expect(servable.count == 1)
    servable.answer(0, items: [0])
    servable.finish(0)
    #expect(servable.count == 2)
    #expect(servable.batches.withLock { $0[1].batch.count } == 3)
  }

  @Test("starts a batch that is not full when its time has come")
  func timeout() async throws {
    var batching = batching
    batching.timeout = .milliseconds(1)
    let scheduler = scheduler(batching)
    let (started, report) = AsyncStream.makeStream(of: Int.self)
    var options = RequestScheduler.Options()
    options.batching = { [batching] _ in batching }
    options.onBatch = { report.yield($0.items) }
    let reporting = RequestScheduler(options)
    _ = submit(request([1, 2]), to: reporting)
    for await items in started {
      #expect(items == 1)
      break
    }
    _ = scheduler
  }

  @Test("keeps requests apart that cannot share a batch, and those of different lengths unless they are padded")
  func keys() throws {
    var batching = batching
    batching.maxBatchSize = 2
    let long = InferenceRequest(inputs: ["x": Tensor([1, 2, 3] as [Float], shape: [1, 3])], outputs: ["y"])
    let apart = scheduler(batching)
    _ = submit(request([1, 2]), to: apart)
    _ = submit(long, to: apart)
    #expect(servable.count == 0)
    batching.padsVariableLengthInputs = true
    let padded = scheduler(batching)
    _ = submit(request([5, 6]), to: padded)
    _ = submit(long, to: padded)
    #expect(servable.batches.withLock { $0[0].batch.inputs["x"]?.floats } == [5, 6, 5, 1, 2, 3])
  }

  @Test("does not run what nobody waits for any more")
  func abandoned() throws {
    let scheduler = scheduler(batching)
    var late = request([1, 2])
    late.deadline = ContinuousClock().now - .seconds(1)
    var gone = request([3, 4])
    gone.isAbandoned = { true }
    let outcomes = [
      submit(late, to: scheduler), submit(gone, to: scheduler), submit(request([5, 6, 7, 8]), to: scheduler),
    ]
    #expect(outcomes[0].error == .deadlineExceeded)
    #expect(outcomes[1].error == .abandoned)
    #expect(servable.batches.withLock { $0[0].batch.inputs["x"]?.floats } == [5, 6, 7, 8])
    let alone = self.scheduler(nil)
    #expect(submit(late, to: alone).error == .deadlineExceeded)
    #expect(servable.count == 1)
  }

  @Test("goes on when all of a batch was given up")
  func allAbandoned() throws {
    let scheduler = scheduler(batching)
    var gone = request([1, 2, 3, 4, 5, 6, 7, 8])
    gone.isAbandoned = { true }
    #expect(submit(gone, to: scheduler).error == .abandoned)
    _ = submit(request([1, 2, 3, 4, 5, 6, 7, 8]), to: scheduler)
    #expect(servable.count == 1)
  }

  @Test("tells a failed batch's error to those that have no answer yet, once")
  func failures() throws {
    let scheduler = scheduler(batching)
    let first = submit(request([1, 2, 3, 4]), to: scheduler)
    let second = submit(request([5, 6, 7, 8]), to: scheduler)
    servable.answer(0, items: [0, 1], exit: .ramp(RampID(0)))
    servable.finish(0, .deviceFailed(reason: "test"))
    #expect(first.answer != nil && first.count == 1)
    #expect(second.error == .deviceFailed(reason: "test") && second.count == 1)
    let third = submit(request([1, 2, 3, 4, 5, 6, 7, 8]), to: scheduler)
    servable.finish(1)
    #expect(third.error == .deviceFailed(reason: "the batch ended without an answer"))
  }

  @Test("refuses requests without items' axis, of unequal counts, and ones that are too large")
  func refusals() throws {
    let scheduler = scheduler(batching)
    let scalar = InferenceRequest(inputs: ["x": Tensor([1] as [Float], shape: [])])
    #expect(submit(scalar, to: scheduler).error == .noBatchAxis(input: "x"))
    let unequal = InferenceRequest(
      inputs: ["x": Tensor([1] as [Float], shape: [1]), "w": Tensor([1, 2] as [Float], shape: [2])])
    #expect(submit(unequal, to: scheduler).error == .unequalBatchSizes)
    #expect(
      submit(request([Float](repeating: 0, count: 10)), to: scheduler).error == .tooManyItems(count: 5, limit: 4))
  }

  @Test("answers no items with no items")
  func empty() throws {
    let outcome = submit(
      InferenceRequest(inputs: ["x": Tensor([] as [Float], shape: [0, 2])]), to: scheduler(batching))
    #expect(outcome.answer?.outputs["y"]?.shape == [0, 2])
    #expect(outcome.answer?.outputs["z"]?.shape == [0])
  }
}
