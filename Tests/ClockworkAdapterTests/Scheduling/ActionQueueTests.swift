import Foundation
import Synchronization
import Testing

@testable import ClockworkAdapter

@Suite struct ActionQueueTests {
  private func taken(_ queue: inout ActionQueue<Int>, at now: Nanoseconds) -> [Int] {
    var jobs: [Int] = []
    while case .job(let job) = queue.next(at: now) { jobs.append(job) }
    return jobs
  }

  @Test func jobsComeByTimeAndThenByArrival() {
    var queue = ActionQueue<Int>()
    for (job, eligible) in [(0, 50), (1, 20), (2, 50), (3, 0), (4, 20), (5, 0), (6, 51)] as [(Int, Nanoseconds)] {
      queue.insert(job, eligible: eligible)
    }
    #expect(taken(&queue, at: 0) == [3, 5])
    #expect(taken(&queue, at: 19) == [])
    queue.insert(7, eligible: 0)
    #expect(taken(&queue, at: 50) == [7, 1, 4, 0, 2], "what may start at once overtakes")
    guard case .wait(until: 51) = queue.next(at: 50) else {
      Issue.record("there is one more, for later")
      return
    }
    #expect(queue.removeAll() == [6])
    guard case .empty = queue.next(at: .max) else {
      Issue.record("none is left")
      return
    }
  }

  @Test func anExecutorRunsNothingBeforeItsTime() throws {
    let clock = NodeClock()
    let executor = Executor(name: "test", clock: clock)
    let started = Mutex<[(Int, Nanoseconds)]>([])
    let done = Box<Bool>()
    let base = clock.now()
    let delays: [Nanoseconds] = [40_000_000, 10_000_000, 0, 20_000_000]
    for (job, delay) in delays.enumerated() {
      executor.enqueue(eligible: base + delay) { _ in
        let isLast = started.withLock { started in
          started.append((job, clock.now()))
          return started.count == delays.count
        }
        if isLast { done.put(true) }
      }
    }
    #expect(done.wait(30) == true)
    let times = started.withLock { $0 }
    #expect(times.map(\.0) == [2, 1, 3, 0])
    #expect(times.allSatisfy { job, time in time >= base + delays[job] })
    executor.stop()
    #expect(executor.waitUntilStopped(.seconds(10)))
  }

  @Test func aFreeExecutorPerformsJobsWhereTheyCome() {
    let clock = NodeClock()
    let executor = Executor(name: "test", clock: clock)
    let seen = Mutex<[String]>([])
    @Sendable func note(_ what: String) { seen.withLock { $0.append(what) } }
    executor.perform { _ in
      // Not within another job.
      executor.perform { _ in note("second") }
      note("first")
    }
    #expect(seen.withLock { $0 } == ["first", "second"])
    let done = Box<Bool>()
    executor.perform(eligible: clock.now() + 20_000_000) { _ in done.put(true) }
    #expect(done.wait(0.001) == nil, "its time has not come")
    #expect(done.wait(30) == true)
    executor.stop()
    #expect(executor.waitUntilStopped(.seconds(10)))
  }

  @Test func aHoldKeepsJobsWaiting() {
    let executor = Executor(name: "test", clock: NodeClock())
    let holds = Mutex<[Executor.Hold]>([])
    let seen = Mutex<[Int]>([])
    for job in 0..<3 {
      executor.perform { _ in
        let hold = executor.hold(.seconds(60)) { Issue.record("nothing is overdue") }
        holds.withLock { $0.append(hold) }
        seen.withLock { $0.append(job) }
      }
    }
    executor.enqueue { _ in seen.withLock { $0.append(3) } }
    for job in 0..<3 {
      #expect(seen.withLock { $0 } == Array(0...job))
      let hold = holds.withLock { $0[job] }
      executor.release(hold)
      // Once only.
      executor.release(hold)
    }
    #expect(seen.withLock { $0 } == [0, 1, 2, 3], "the releasing thread goes on")
    executor.stop()
    #expect(executor.waitUntilStopped(.seconds(10)))
  }

  @Test func aHoldMayEndWithinItsJob() {
    let executor = Executor(name: "test", clock: NodeClock())
    let count = Mutex(0)
    for _ in 0..<1000 {
      executor.perform { _ in
        executor.release(executor.hold(.seconds(60)) {})
        count.withLock { $0 += 1 }
      }
    }
    #expect(count.withLock { $0 } == 1000)
    executor.stop()
    #expect(executor.waitUntilStopped(.seconds(10)))
  }

  @Test func whatNeverStartsIsCancelled() {
    let executor = Executor(name: "test", clock: NodeClock())
    let turns = Mutex<[Bool]>([])
    @Sendable func note(_ turn: Executor.Turn) {
      turns.withLock { turns in
        if case .cancelled = turn { turns.append(true) } else { turns.append(false) }
      }
    }
    executor.enqueue(eligible: .max) { note($0) }
    executor.stop()
    #expect(executor.waitUntilStopped(.seconds(10)))
    executor.enqueue { note($0) }
    #expect(turns.withLock { $0 } == [true, true])
  }
}
