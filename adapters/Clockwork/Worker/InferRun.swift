import Serving
import Synchronization
import Wire

/// One Infer action, from its inputs to its result.
///
/// Its result is sent as soon as every item has left the model, which may be before the device is done with the batch:
/// ramps let answers out, and the rest of the model still runs. The next batch starts when the device is free, so what
/// the result says of the execution is about all of it; until it has ended, that is what such batches took last.
final class InferRun: AnswerReceiver {
  private let action: ClockworkAction.Infer
  private let pending: PendingAction
  private let gpu: GPU
  private let worker: Worker
  /// Guards what has become of the action so far.
  private let state: Mutex<State>

  private struct State {
    /// What came with the frame; let go once the batch has been put together.
    var inputs: OwnedBytes
    var copyInput = ClockworkResult.Timing(begin: 0, end: 0, duration: 1)
    var batch: Prepared?
    /// The device's turn, while it is ours.
    var turn: Executor.Hold?
    var outputs: [UInt8] = []
    var unanswered: Int
    var failure: ActionFailure?
    var begin: Nanoseconds = 0
    /// When the last item left.
    var answered: Nanoseconds = 0
  }

  private struct Prepared {
    let model: WorkerModel
    let batch: Batch
    let isEmpty: Bool
    var version: UInt64 = 0
    var expected: Nanoseconds = 0
  }

  init(_ action: ClockworkAction.Infer, inputs: OwnedBytes, pending: PendingAction, gpu: GPU, worker: Worker) {
    self.action = action
    self.pending = pending
    self.gpu = gpu
    self.worker = worker
    state = Mutex(State(inputs: inputs, unanswered: Int(action.batchSize)))
  }

  // MARK: Inputs

  /// When it is the action's turn among the GPU's inputs.
  func takeInputs() {
    let begin = worker.clock.now()
    do throws(ActionFailure) {
      if let late = worker.lateness(pending, latest: action.latest, .copyInputTooLate) { throw late }
      guard let model = worker.model(action.modelID) else {
        throw ActionFailure(.copyInputUnknownModel, "there is no model \(action.modelID)")
      }
      let count = Int(action.batchSize)
      guard count > 0, let size = model.supportedSize(for: count) else {
        throw ActionFailure(
          .copyInputInvalidBatchSize,
          "a batch of \(count) items; model \(model.id) takes 1 to \(model.profile.batchSizes.last ?? 0)")
      }
      let body = state.withLock { $0.inputs }
      let items = try self.items(body, count: count, model: model)
      let batch = model.layout.batch(of: items, count: count, size: size)
      let isEmpty = body.byteCount == 0
      let end = worker.clock.now()
      state.withLock { state in
        state.inputs = OwnedBytes(copying: [])
        state.copyInput = pending.timing(begin: begin, end: end)
        state.batch = Prepared(model: model, batch: batch, isEmpty: isEmpty)
        state.outputs = isEmpty ? [] : [UInt8](repeating: 0, count: count * model.outputs.byteCount)
      }
      worker.perform(pending, on: gpu.exec, eligible: pending.ours(action.earliest)) { self.execute() }
    } catch { pending.fail(error) }
  }

  private func items(_ body: OwnedBytes, count: Int, model: WorkerModel) throws(ActionFailure) -> OwnedBytes {
    let size = model.layout.inputByteCount
    if body.byteCount == 0 {
      guard worker.configuration.allowsEmptyInputs else {
        throw ActionFailure(.copyInputInvalidInput, "the action has no inputs")
      }
      return model.layout.zeros(count)
    }
    if action.inputSizes.isEmpty {
      guard body.byteCount == count * size else {
        throw ActionFailure(
          .copyInputInvalidInput, "expected \(count) inputs of \(size) bytes, got \(body.byteCount) bytes")
      }
      return body
    }
    return try decompressed(body, count: count, size: size)
  }

  private func decompressed(_ body: OwnedBytes, count: Int, size: Int) throws(ActionFailure) -> OwnedBytes {
    let sizes = action.inputSizes.map { Int($0) }
    guard sizes.count <= count else {
      throw ActionFailure(.copyInputBadSizes, "\(sizes.count) compressed inputs for a batch of \(count)")
    }
    guard sizes.reduce(0, +) <= body.byteCount else {
      throw ActionFailure(
        .copyInputBadSizes,
        "compressed inputs of \(sizes.reduce(0, +)) bytes, and \(body.byteCount) bytes came with the action")
    }
    // As in Clockwork: fewer inputs than items leave the others to chance, here to zeros.
    return try OwnedBytes(byteCount: count * size) { (target) throws(ActionFailure) in
      UnsafeMutableRawBufferPointer(rebasing: target[(sizes.count * size)...])
        .initializeMemory(as: UInt8.self, repeating: 0)
      try body.withUnsafeBytes { (source) throws(ActionFailure) in
        var start = 0
        for (item, length) in sizes.enumerated() {
          let block = UnsafeRawBufferPointer(rebasing: source[start..<(start + length)])
          let place = UnsafeMutableRawBufferPointer(rebasing: target[(item * size)..<((item + 1) * size)])
          guard LZ4Block.decompress(block, into: place) else {
            throw ActionFailure(
              .copyInputBadDecompress, "input \(item) is not an LZ4 block of \(size) bytes")
          }
          start += length
        }
      }
    }
  }

  // MARK: Execution

  /// When it is the batch's turn on the device, which it keeps until it has ended.
  private func execute() {
    let begin = worker.clock.now()
    if let late = worker.lateness(pending, latest: action.latest, .execTooLate) { return pending.fail(late) }
    let prepared = state.withLock { state -> Prepared? in
      guard let model = state.batch?.model, let version = gpu.cache.withLock({ $0.loadedVersion(of: model.id) }) else {
        return nil
      }
      let size = state.batch?.batch.count ?? 1
      state.begin = begin
      state.batch?.version = version
      state.batch?.expected = model.expectedDuration(size: size, gpu: gpu.id)
      return state.batch
    }
    guard let prepared else {
      return pending.fail(
        ActionFailure(.execWeightsMissing, "model \(action.modelID) has no weights on GPU \(gpu.id)"))
    }
    let turn = gpu.exec.hold(Self.longestBatch) { [pending] in
      pending.fail(ActionFailure(.runtimeError, "the device has not ended the batch"))
    }
    state.withLock { $0.turn = turn }
    prepared.model.servables[gpu.id].submit(prepared.batch, to: self)
  }

  private static let longestBatch = Duration.seconds(60)

  func receive(_ answers: Answers) {
    let now = worker.clock.now()
    let count = Int(action.batchSize)
    let items = answers.items.filter { $0 < count }
    guard !items.isEmpty else { return }
    let (isComplete, expectedEnd, body) = state.withLock { state -> (Bool, Nanoseconds, [UInt8]?) in
      state.unanswered -= items.count
      state.answered = now
      guard let prepared = state.batch else { return (false, 0, nil) }
      let width = prepared.isEmpty ? 0 : prepared.model.outputs.byteCount
      var body: [UInt8]?
      do throws(ActionFailure) {
        if action.wantsItemResults {
          var own = [UInt8](repeating: 0, count: items.count * width)
          let rows = items.enumerated().map { (item: $1, offset: $0 * width) }
          if width > 0 { try prepared.model.outputs.write(answers.outputs, rows: rows, into: &own) }
          body = own
        } else if width > 0 {
          let rows = items.map { (item: $0, offset: $0 * width) }
          try prepared.model.outputs.write(answers.outputs, rows: rows, into: &state.outputs)
        }
      } catch { state.failure = error }
      return (state.unanswered == 0 && state.failure == nil, state.begin + prepared.expected, body)
    }
    if let body { return pending.answerItems(items, exit: answers.exit.description, body: body) }
    // Answers of the final head are followed by the end of the batch, which knows the true times.
    if isComplete, answers.exit != .final, !action.wantsItemResults { answerEarly(expectedEnd: expectedEnd) }
  }

  /// All items have left. The result may go once the device is nearly free.
  private func answerEarly(expectedEnd: Nanoseconds) {
    let lead = Nanoseconds(worker.configuration.earlyResultLead)
    if worker.clock.now() + lead >= expectedEnd { return sendEarly(expectedEnd: expectedEnd) }
    worker.timer.enqueue(eligible: expectedEnd - lead) { turn in
      // When the worker stops, the end of the batch sends the result.
      if case .start = turn { self.sendEarly(expectedEnd: expectedEnd) }
    }
  }

  private func sendEarly(expectedEnd: Nanoseconds) {
    // The end of the batch will find weights that have changed.
    guard state.withLock({ isUnchanged($0) }) else { return }
    succeed(begin: state.withLock { $0.begin }, end: expectedEnd)
  }

  private func isUnchanged(_ state: borrowing State) -> Bool {
    guard let prepared = state.batch else { return false }
    let id = prepared.model.id
    return gpu.cache.withLock { $0.version(of: id) } == prepared.version
  }

  func finish(_ outcome: Result<BatchTiming, ServingError>) {
    defer { if let turn = state.withLock({ $0.turn }) { gpu.exec.release(turn) } }
    let (unchanged, unanswered, failure, prepared) = state.withLock { state in
      (isUnchanged(state), state.unanswered, state.failure, state.batch)
    }
    switch outcome {
    case .success(let timing):
      let (begin, end) = (worker.clock.time(of: timing.started), worker.clock.time(of: timing.ended))
      if let prepared {
        prepared.model.completed(size: prepared.batch.count, gpu: gpu.id, in: max(1, end - min(begin, end)))
      }
      if !unchanged {
        pending.fail(
          ActionFailure(
            .execConcurrentWeightsModification, "the weights of model \(action.modelID) changed during the batch"))
      } else if let failure {
        pending.fail(failure)
      } else if unanswered > 0 {
        pending.fail(ActionFailure(.runtimeError, "\(unanswered) items got no answer"))
      } else {
        succeed(begin: begin, end: end)
      }
    case .failure(let error):
      let status: ActionStatus =
        !unchanged ? .execConcurrentWeightsModification : error == .weightsAbsent ? .execWeightsMissing : .runtimeError
      pending.fail(ActionFailure(status, "\(error)"))
    }
  }

  private func succeed(begin: Nanoseconds, end: Nanoseconds) {
    let now = worker.clock.now()
    let (copyInput, answered, outputs) = state.withLock { ($0.copyInput, $0.answered, $0.outputs) }
    let clock = worker.configuration.gpuClock
    pending.answer(body: action.wantsItemResults ? [] : outputs) { received, sent in
      .infer(
        ClockworkResult.Infer(
          actionID: pending.id, copyInput: copyInput, exec: pending.timing(begin: begin, end: end),
          copyOutput: pending.timing(begin: min(answered, now), end: now), gpuID: UInt32(gpu.id),
          gpuClockBefore: clock, gpuClock: clock, actionReceived: received, resultSent: sent))
    }
  }
}
