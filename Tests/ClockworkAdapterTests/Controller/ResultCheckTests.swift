import Testing
import Wire

@testable import ClockworkAdapter

/// The checks themselves: each kind of lie is found.
@Suite struct ResultCheckTests {
  private static let base: Nanoseconds = 1_000_000_000_000
  private static let interval = ResultCheck.Interval(sent: base, received: base + 100_000_000)
  private static let timing = ClockworkResult.Timing(begin: base + 10, end: base + 20, duration: 10)

  private static let loadAction = ClockworkAction.LoadModelFromDisk(
    actionID: 1, modelID: 0, path: "p", copies: 2, maxBatchSize: 8, maxExecDuration: 1000)
  private static let loadResult = ClockworkResult.LoadModelFromDisk(
    actionID: 1, timing: timing, inputSize: 4, outputSize: 4, batchSizes: [1, 2, 4], weightsSizeInCache: 32,
    weightsPages: 2, weightsLoadTime: 5, execTimes: [2000, 30, 40], copiesCreated: 2, actionReceived: base + 1,
    resultSent: base + 30)
  private static let inferAction = ClockworkAction.Infer(
    actionID: 1, modelID: 0, gpuID: 1, earliest: base, latest: base + 50_000_000, batchSize: 3)
  private static let inferResult = ClockworkResult.Infer(
    actionID: 1, copyInput: timing, exec: timing, copyOutput: timing, gpuID: 1, gpuClockBefore: 1380, gpuClock: 1380,
    actionReceived: base + 1, resultSent: base + 30)
  private static let state = ClockworkWorkerState(
    pageSize: 10, hostWeightsCacheSize: .max, hostIOPoolSize: 1,
    gpus: (0..<2).map {
      .init(
        id: $0, weightsCacheSize: 100, weightsCachePages: 10, models: [1, 2], ioPoolSize: 0, workspacePoolSize: 0)
    }, models: [])

  private func finds(
    _ result: ClockworkResult, _ action: ClockworkAction, body: Int = 0,
    sent change: (inout SentAction) -> Void = { _ in }
  ) -> Bool {
    var sent = SentAction(action: action, sent: Self.base, hasInputs: true, outputSize: 5)
    change(&sent)
    do {
      try ResultCheck().check(result, bodyByteCount: body, for: sent, during: Self.interval)
      return false
    } catch { return true }
  }

  private func finds(load change: (inout ClockworkResult.LoadModelFromDisk) -> Void) -> Bool {
    var result = Self.loadResult
    change(&result)
    return finds(.loadModelFromDisk(result), .loadModelFromDisk(Self.loadAction))
  }

  private func finds(infer change: (inout ClockworkResult.Infer) -> Void, body: Int = 15) -> Bool {
    var result = Self.inferResult
    change(&result)
    return finds(.infer(result), .infer(Self.inferAction), body: body)
  }

  private func finds(state change: (inout ClockworkWorkerState) -> Void) -> Bool {
    var state = Self.state
    change(&state)
    return finds(
      .getWorkerState(
        .init(actionID: 1, state: state, actionReceived: Self.base + 1, resultSent: Self.base + 2)),
      .getWorkerState(.init(actionID: 1)))
  }

  @Test func honestResultsPass() {
    #expect(!finds(load: { _ in }))
    #expect(!finds(infer: { _ in }))
    #expect(!finds(state: { _ in }))
    #expect(!finds(infer: { $0.exec.end += 120_000_000 }), "the device may be busy a little longer")
    #expect(
      !finds(.infer(Self.inferResult), .infer(Self.inferAction), body: 0) {
        $0 = .init(
          action: $0.action, sent: $0.sent, hasInputs: false, outputSize: 5)
      })
  }

  @Test func findsLiesAboutModels() {
    #expect(finds(load: { $0.execTimes = [1, 2] }), "another number of times than of sizes")
    #expect(finds(load: { $0.execTimes[1] = 0 }))
    #expect(finds(load: { $0.execTimes[2] = 1001 }), "longer than was allowed")
    #expect(finds(load: { $0.batchSizes = [1, 4, 2] }))
    #expect(finds(load: { $0.batchSizes = [2, 4, 8] }))
    #expect(finds(load: { ($0.batchSizes, $0.execTimes) = ([], []) }))
    #expect(finds(load: { ($0.batchSizes, $0.execTimes) = ([1, 2, 4, 8, 16], [1, 1, 1, 1, 1]) }))
    #expect(finds(load: { $0.copiesCreated = 1 }))
    #expect(finds(load: { $0.inputSize = 0 }))
    #expect(finds(load: { $0.weightsPages = 0 }))
    #expect(finds(load: { $0.weightsSizeInCache = 33 }))
    #expect(finds(load: { $0.weightsLoadTime = 0 }))
  }

  @Test func findsLiesAboutBatches() {
    #expect(finds(infer: { $0.gpuClock = 0 }))
    #expect(finds(infer: { $0.gpuClockBefore = 0 }))
    #expect(finds(infer: { $0.gpuID = 0 }))
    #expect(finds(infer: { $0.exec.duration = 0 }))
    #expect(finds(infer: { $0.exec.begin = $0.exec.end + 1 }))
    #expect(finds(infer: { $0.exec.begin = Self.base - 30_000_000 }), "before it was sent")
    #expect(finds(infer: { ($0.exec.begin, $0.exec.end) = (Self.base + 80_000_000, Self.base + 90_000_000) }), "late")
    #expect(finds(infer: { $0.exec.end += 300_000_000 }), "in another clock")
    #expect(finds(infer: { $0.copyOutput.end += 300_000_000 }))
    #expect(finds(infer: { $0.actionReceived = 5 }))
    #expect(finds(infer: { $0.resultSent = .max / 2 }))
    #expect(finds(infer: { _ in }, body: 14))
    #expect(finds(infer: { _ in }, body: 20), "padding must not be sent")
  }

  @Test func findsLiesAboutItems() {
    func finds(_ items: [UInt32], body: Int, asked: Bool = true, answered: Set<UInt32> = []) -> Bool {
      var action = Self.inferAction
      action.wantsItemResults = asked
      return self.finds(
        .inferItems(
          .init(actionID: 1, items: items, answered: Self.base + 1, resultSent: Self.base + 2, exit: "")),
        .infer(action), body: body
      ) { $0.answeredItems = answered }
    }
    #expect(!finds([0, 2], body: 10))
    #expect(finds([0, 2], body: 10, asked: false))
    #expect(finds([0, 2], body: 15))
    #expect(finds([2, 0], body: 10))
    #expect(finds([0, 3], body: 10))
    #expect(finds([], body: 0))
    #expect(finds([1], body: 5, answered: [1]))
    var action = Self.inferAction
    action.wantsItemResults = true
    #expect(self.finds(.infer(Self.inferResult), .infer(action)) { $0.answeredItems = [0, 1] }, "one is missing")
    #expect(!self.finds(.infer(Self.inferResult), .infer(action)) { $0.answeredItems = [0, 1, 2] })
    #expect(self.finds(.infer(Self.inferResult), .infer(action), body: 15) { $0.answeredItems = [0, 1, 2] })
  }

  @Test func findsLiesAboutWorkers() {
    #expect(finds(state: { $0.gpus = [] }))
    #expect(finds(state: { $0.gpus[1].id = 7 }))
    #expect(finds(state: { $0.gpus[0].weightsCachePages = 9 }))
    #expect(finds(state: { $0.gpus[0].models = [2, 1] }))
    #expect(finds(state: { $0.pageSize = 0 }))
  }

  @Test func findsResultsOfOtherActions() {
    let evicted = ClockworkResult.evictWeights(
      .init(actionID: 1, timing: Self.timing, actionReceived: Self.base, resultSent: Self.base))
    #expect(finds(evicted, .infer(Self.inferAction)))
    func failure(_ type: Int32, _ status: Int32) -> ClockworkResult {
      .error(
        .init(
          actionID: 1, actionType: type, status: status, message: "", actionReceived: Self.base,
          resultSent: Self.base))
    }
    #expect(!finds(failure(2, 81), .infer(Self.inferAction)))
    #expect(finds(failure(3, 81), .infer(Self.inferAction)))
    #expect(finds(failure(2, 53), .infer(Self.inferAction)), "a status of other actions")
    #expect(finds(failure(2, 0), .infer(Self.inferAction)), "a failure that is none")
    #expect(finds(failure(9, 1), .infer(Self.inferAction)))
  }
}
