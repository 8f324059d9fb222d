import Wire

/// What must hold of a result, given its action: all that Clockwork's controller would stop at, and what it would
/// believe although it is wrong.
struct ResultCheck: Sendable {
  /// How much times may be off: clocks are known to one another only so well.
  var slack: Nanoseconds = 20_000_000
  /// How far the end of an execution may lie ahead: a result may be sent before the device is done with the batch.
  var lead: Nanoseconds = 50_000_000

  /// When an action was sent and its result came, on the controller's clock.
  struct Interval {
    let sent: Nanoseconds
    let received: Nanoseconds
  }

  /// - Parameter interval: `nil` when the worker cannot know the controller's clock yet.
  func check(
    _ result: ClockworkResult, bodyByteCount: Int, for sent: SentAction, during interval: Interval?
  ) throws(Violation) {
    guard result.kind == sent.action.kind else {
      throw Violation("action \(sent.action.actionID), a \(sent.action.kind), got a result of \(result)")
    }
    if let interval { try checkTimes(result, sent.action, interval) }
    switch (result, sent.action) {
    case (.error(let failure), _): try check(failure)
    case (.loadModelFromDisk(let result), .loadModelFromDisk(let action)): try check(result, for: action)
    case (.infer(let result), .infer(let infer)):
      try check(result, bodyByteCount: bodyByteCount, for: infer, sent: sent)
    case (.inferItems(let result), .infer(let infer)):
      try check(result, bodyByteCount: bodyByteCount, for: infer, sent: sent)
    case (.getWorkerState(let result), _): try check(result.state)
    default: break
    }
  }

  private func require(_ condition: Bool, _ text: @autoclosure () -> String) throws(Violation) {
    if !condition { throw Violation(text()) }
  }

  // MARK: Times

  private func checkTimes(_ result: ClockworkResult, _ action: ClockworkAction, _ interval: Interval) throws(Violation)
  {
    let times = TimeCheck(action: action, interval: interval, slack: slack)
    if let received = result.actionReceived {
      try times.check(received, "action_received")
      try require(received <= result.resultSent &+ slack, "a result was sent before its action was received")
    }
    try times.check(result.resultSent, "result_sent")
    switch result {
    case .loadModelFromDisk(let result): try times.check(result.timing, "the load")
    case .loadWeights(let result): try times.check(result.timing, "the load of weights")
    case .evictWeights(let result): try times.check(result.timing, "the eviction")
    case .infer(let result):
      // Inputs may be copied 5 ms before a batch may begin.
      try times.check(result.copyInput, "the copy of inputs", early: 5_000_000)
      try times.check(result.exec, "the execution", ahead: lead)
      try times.check(result.copyOutput.begin, "the begin of the copy of outputs")
      try times.check(result.copyOutput.end, "the end of the copy of outputs")
      try require(
        result.copyInput.begin <= result.exec.begin &+ slack, "a batch was executed before its inputs were copied")
    default: break
    }
  }

  // MARK: Kinds

  private func check(_ failure: ClockworkResult.Failure) throws(Violation) {
    let allowed: [ClosedRange<Int32>]
    switch ClockworkAction.Kind(rawValue: failure.actionType) {
    case .loadModelFromDisk: allowed = [10...11, 40...41]
    case .loadWeights: allowed = [50...54]
    case .evictWeights: allowed = [60...63]
    case .infer: allowed = [70...78, 80...84, 90...92]
    case .clearCache, .getWorkerState: allowed = []
    case nil: throw Violation("an error result of action type \(failure.actionType)")
    }
    try require(
      (allowed + [1...3, 12...13]).contains { $0.contains(failure.status) },
      "status \(failure.status) for an action of type \(failure.actionType)")
  }

  private func check(
    _ result: ClockworkResult.LoadModelFromDisk, for action: ClockworkAction.LoadModelFromDisk
  ) throws(Violation) {
    try checkSizes(
      result.batchSizes, times: result.execTimes, largest: action.maxBatchSize, longest: action.maxExecDuration)
    try require(result.copiesCreated == action.copies, "\(result.copiesCreated) copies, not \(action.copies)")
    try require(result.inputSize > 0 && result.outputSize > 0, "a model without inputs or outputs")
    try require(result.weightsLoadTime > 0, "weights that load in no time")
    try require(
      result.weightsPages > 0 && result.weightsSizeInCache % UInt64(max(1, result.weightsPages)) == 0,
      "\(result.weightsSizeInCache) bytes in \(result.weightsPages) pages")
  }

  private func checkSizes(_ sizes: [UInt32], times: [UInt64], largest: UInt32, longest: UInt64) throws(Violation) {
    // A controller reads beyond the end of the shorter.
    try require(sizes.count == times.count, "\(sizes.count) batch sizes and \(times.count) execution times")
    try require(
      !sizes.isEmpty && sizes.count <= 32 && sizes == sizes.indices.map { UInt32(1) << UInt32($0) },
      "batch sizes \(sizes) are not ascending powers of two from 1")
    // A model that takes no time has no demand, and is never loaded.
    try require(times.allSatisfy { $0 > 0 }, "an execution time of 0 among \(times)")
    for (size, time) in zip(sizes, times) where size > 1 && (size > largest || time > longest) {
      throw Violation("batch size \(size) takes \(time) ns; at most \(largest) items and \(longest) ns are allowed")
    }
  }

  private func check(
    _ result: ClockworkResult.Infer, bodyByteCount: Int, for action: ClockworkAction.Infer, sent: SentAction
  ) throws(Violation) {
    try require(result.gpuID == action.gpuID, "a result of GPU \(result.gpuID), not \(action.gpuID)")
    // A controller divides by them.
    try require(result.gpuClock > 0 && result.gpuClockBefore > 0, "a GPU clock of 0")
    if sent.answeredItems.isEmpty {
      guard let size = sent.outputSize else { return }
      // A controller splits the bytes evenly, whatever their number.
      let expected = sent.hasInputs ? Int(action.batchSize) * size : 0
      try require(bodyByteCount == expected, "\(bodyByteCount) bytes of outputs, not \(expected)")
    } else {
      try require(bodyByteCount == 0, "\(bodyByteCount) bytes of outputs after answers of items")
      try require(
        sent.answeredItems.count == Int(action.batchSize),
        "only \(sent.answeredItems.count) of \(action.batchSize) items were answered")
    }
  }

  private func check(
    _ result: ClockworkResult.InferItems, bodyByteCount: Int, for action: ClockworkAction.Infer, sent: SentAction
  ) throws(Violation) {
    try require(action.wantsItemResults, "answers of items for an action that did not ask")
    try require(!result.items.isEmpty, "answers of no items")
    try require(result.items.allSatisfy { $0 < action.batchSize }, "items \(result.items) of \(action.batchSize)")
    try require(
      zip(result.items, result.items.dropFirst()).allSatisfy { $0 < $1 }, "items \(result.items), not ascending")
    try require(
      sent.answeredItems.isDisjoint(with: result.items), "items \(result.items), of which some were answered before")
    guard let size = sent.outputSize else { return }
    let expected = sent.hasInputs ? result.items.count * size : 0
    try require(bodyByteCount == expected, "\(bodyByteCount) bytes of outputs, not \(expected)")
  }

  private func check(_ state: ClockworkWorkerState) throws(Violation) {
    try require(!state.gpus.isEmpty, "a worker without GPUs")
    try require(state.pageSize > 0, "pages of 0 bytes")
    try require(
      state.gpus.map { Int($0.id) } == Array(state.gpus.indices), "GPUs \(state.gpus.map(\.id)), not all from 0")
    for gpu in state.gpus {
      try require(
        gpu.weightsCachePages > 0 && UInt64(gpu.weightsCachePages) == gpu.weightsCacheSize / max(1, state.pageSize),
        "GPU \(gpu.id) has \(gpu.weightsCachePages) pages of \(state.pageSize) for \(gpu.weightsCacheSize) bytes")
      try require(
        zip(gpu.models, gpu.models.dropFirst()).allSatisfy { $0 < $1 },
        "models \(gpu.models) on GPU \(gpu.id), not ascending")
    }
    try require(
      zip(state.models, state.models.dropFirst()).allSatisfy { $0.id < $1.id }, "models that are not ascending")
    for model in state.models {
      try checkSizes(model.batchSizes, times: model.execTimes, largest: .max, longest: .max)
    }
  }
}

/// Checks the times of one action's answer.
private struct TimeCheck {
  let action: ClockworkAction
  let interval: ResultCheck.Interval
  let slack: Nanoseconds

  private var name: String { "of action \(action.actionID), a \(action.kind)," }

  /// A time between the sending of the action and the receipt of its answer.
  func check(_ time: Nanoseconds, _ what: String, ahead: Nanoseconds = 0) throws(Violation) {
    guard time &+ slack >= interval.sent, time <= interval.received &+ slack &+ ahead else {
      throw Violation("\(what) \(name) is \(time), not between \(interval.sent) and \(interval.received)")
    }
  }

  /// A task that had to start within the action's window.
  ///
  /// - Parameters:
  ///   - early: how much sooner it may.
  ///   - ahead: how far in the future its end may lie.
  func check(
    _ timing: ClockworkResult.Timing, _ what: String, early: Nanoseconds = 0, ahead: Nanoseconds = 0
  ) throws(Violation) {
    try check(timing.begin, "the begin of \(what)")
    try check(timing.end, "the end of \(what)", ahead: ahead)
    guard timing.begin <= timing.end else { throw Violation("\(what) \(name) ended before it began") }
    guard timing.duration > 0 else { throw Violation("\(what) \(name) has no duration") }
    guard let window = action.window else { return }
    guard timing.begin &+ slack &+ early >= window.earliest else {
      throw Violation("\(what) \(name) began \((window.earliest &- timing.begin).milliseconds) before it might")
    }
    guard window.latest == .max || timing.begin <= window.latest &+ slack else {
      throw Violation("\(what) \(name) began \((timing.begin &- window.latest).milliseconds) after it had to")
    }
  }
}
