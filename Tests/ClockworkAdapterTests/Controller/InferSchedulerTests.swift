import Testing

@testable import ClockworkAdapter

@Suite struct InferSchedulerTests {
  private static let place = InferScheduler.Place(worker: 0, gpu: 0)
  private static let millisecond: Nanoseconds = 1_000_000

  private func scheduler(pages: Int = 10, gpus: Int = 1, models: Int32 = 1) -> InferScheduler {
    var scheduler = InferScheduler(
      options: .init(), gpus: (0..<gpus).map { (InferScheduler.Place(worker: 0, gpu: UInt32($0)), pages) })
    for model in 0..<models {
      scheduler.add(
        model: model, batchSizes: [1, 2, 4, 8],
        execTimes: [2, 3, 5, 9].map { $0 * Self.millisecond }, pages: 4, loadTime: 3 * Self.millisecond)
    }
    return scheduler
  }

  /// Has the scheduler load models, and says that they are loaded.
  private func load(_ scheduler: inout InferScheduler, at now: Nanoseconds) {
    for case .load(let id, _, _, _, _) in scheduler.plan(at: now).commands {
      scheduler.loadEnded(id, end: now, duration: 1, at: now)
    }
  }

  @Test func weightsComeBeforeBatches() {
    var scheduler = scheduler()
    let now = 1000 * Self.millisecond
    scheduler.submit(1, model: 0, sloFactor: 0, at: now)
    let (commands, _) = scheduler.plan(at: now)
    #expect(
      commands == [
        .load(id: 0, Self.place, model: 0, latest: now + 11 * Self.millisecond, expected: 3 * Self.millisecond)
      ])
    #expect(scheduler.plan(at: now).commands.isEmpty, "it is on its way")
    scheduler.loadEnded(0, end: now + 2, duration: 2, at: now + 2)
    #expect(
      scheduler.plan(at: now + 2).commands == [
        .infer(
          id: 1, Self.place, model: 0, size: 1, requests: [1], latest: now + 2 + 11 * Self.millisecond,
          expected: 2 * Self.millisecond)
      ])
  }

  @Test func batchesAreAsLargeAsDeadlinesAllow() {
    var scheduler = scheduler()
    var now = 1000 * Self.millisecond
    scheduler.submit(0, model: 0, sloFactor: 0, at: now)
    load(&scheduler, at: now)
    now += 70 * Self.millisecond
    for request in 1..<8 { scheduler.submit(UInt64(request), model: 0, sloFactor: 0, at: now) }
    var sizes: [Int] = []
    for case .infer(_, _, _, let size, _, _, _) in scheduler.plan(at: now).commands { sizes.append(size) }
    #expect(sizes == [8], "the first has 25 ms left, 8 take 9")

    var late = self.scheduler()
    now = 1000 * Self.millisecond
    late.submit(0, model: 0, sloFactor: 0, at: now)
    load(&late, at: now)
    now += 91 * Self.millisecond
    for request in 1..<8 { late.submit(UInt64(request), model: 0, sloFactor: 0, at: now) }
    sizes = []
    for case .infer(_, _, _, let size, _, _, _) in late.plan(at: now).commands { sizes.append(size) }
    #expect(sizes.first == 2, "4 ms are left for the first: 4 items take 5, 2 take 3")
    #expect(sizes.dropFirst().first == 4)
  }

  @Test func aGPUIsGivenWorkForTenMillisecondsOnly() {
    var scheduler = scheduler()
    let now = 1000 * Self.millisecond
    scheduler.submit(0, model: 0, sloFactor: 0, at: now)
    load(&scheduler, at: now)
    for request in 1..<200 { scheduler.submit(UInt64(request), model: 0, sloFactor: 0, at: now) }
    let (commands, next) = scheduler.plan(at: now)
    #expect(commands.count == 2, "two batches of 8 reach to 18 ms")
    #expect(next == now + 8 * Self.millisecond)
    guard case .infer(let id, _, _, _, _, _, _) = commands[0] else {
      Issue.record("no batch")
      return
    }
    // The first is over sooner than expected.
    scheduler.inferEnded(id, end: now + 4 * Self.millisecond, duration: 4 * Self.millisecond)
    #expect(scheduler.plan(at: now + 4 * Self.millisecond).commands.count == 1)
  }

  @Test func whatCannotBeAnsweredInTimeIsRejected() {
    var scheduler = scheduler()
    let now = 1000 * Self.millisecond
    scheduler.submit(5, model: 0, sloFactor: 0, at: now)
    let (_, next) = scheduler.plan(at: now)
    #expect(next == now + 93 * Self.millisecond + 1, "95 ms less the 2 that it takes")
    #expect(scheduler.plan(at: next ?? 0).commands == [.reject(request: 5)])
    #expect(scheduler.plan(at: 2000 * Self.millisecond).commands.isEmpty)
  }

  @Test func requestsAreServedByDeadline() {
    var scheduler = scheduler()
    let now = 1000 * Self.millisecond
    scheduler.submit(0, model: 0, sloFactor: 100, at: now)
    scheduler.submit(1, model: 0, sloFactor: 20, at: now)
    load(&scheduler, at: now)
    var order: [UInt64] = []
    for case .infer(_, _, _, _, let requests, _, _) in scheduler.plan(at: now).commands { order += requests }
    #expect(order == [1, 0])
  }

  @Test func theLeastRecentlyUsedModelMakesRoom() {
    var scheduler = scheduler(pages: 8, models: 3)
    var now = 1000 * Self.millisecond
    for model: Int32 in [0, 1] {
      scheduler.submit(UInt64(model), model: model, sloFactor: 0, at: now)
      load(&scheduler, at: now)
      for case .infer(let id, _, _, _, _, _, _) in scheduler.plan(at: now).commands {
        scheduler.inferEnded(id, end: now, duration: 1)
      }
      now += Self.millisecond
    }
    scheduler.submit(9, model: 2, sloFactor: 0, at: now)
    let commands = scheduler.plan(at: now).commands
    guard commands.count == 2, case .evict(_, _, 0) = commands[0], case .load(_, _, 2, _, _) = commands[1] else {
      Issue.record("expected the eviction of 0 and the load of 2, got \(commands)")
      return
    }
  }

  @Test func modelsThatAreWantedAreNotEvictedForOthers() {
    var scheduler = scheduler(pages: 4, models: 2)
    let now = 1000 * Self.millisecond
    scheduler.submit(0, model: 0, sloFactor: 0, at: now)
    load(&scheduler, at: now)
    let running = scheduler.plan(at: now).commands
    #expect(running.count == 1)
    scheduler.submit(1, model: 1, sloFactor: 0, at: now)
    #expect(scheduler.plan(at: now).commands.isEmpty, "model 0 runs")
    scheduler.inferEnded(1, end: now, duration: 1)
    #expect(scheduler.plan(at: now).commands.count == 2)
  }

  @Test func aLoadThatFailedIsTriedAgain() {
    var scheduler = scheduler()
    let now = 1000 * Self.millisecond
    scheduler.submit(0, model: 0, sloFactor: 0, at: now)
    #expect(scheduler.plan(at: now).commands.count == 1)
    scheduler.loadEnded(0, end: nil, duration: nil, at: now)
    let (commands, next) = scheduler.plan(at: now)
    #expect(commands.isEmpty)
    #expect(next == now + 10 * Self.millisecond)
    #expect(scheduler.plan(at: now + 10 * Self.millisecond).commands.count == 1)
  }

  @Test func aSecondGPUTakesWhatTheFirstCannot() {
    var scheduler = scheduler(gpus: 2)
    let now = 1000 * Self.millisecond
    scheduler.submit(0, model: 0, sloFactor: 0, at: now)
    load(&scheduler, at: now)
    func loads(_ commands: [InferScheduler.Command]) -> [UInt32] {
      commands.compactMap { if case .load(_, let place, _, _, _) = $0 { place.gpu } else { nil } }
    }
    for request in 1..<20 { scheduler.submit(UInt64(request), model: 0, sloFactor: 0, at: now) }
    #expect(loads(scheduler.plan(at: now).commands) == [], "the first has time enough")
    // 15 ms are left for these, and the GPU is taken for 18.
    for request in 20..<40 { scheduler.submit(UInt64(request), model: 0, sloFactor: 10, at: now) }
    #expect(loads(scheduler.plan(at: now).commands) == [1])
  }
}
