import Dispatch
import Synchronization

/// Batches that wait for the engine's thread, first in, first out, up to a limit.
final class WaitingBatches: Sendable {
  struct Job: Sendable {
    let batch: Batch
    let receiver: any AnswerReceiver
    let submitted: ContinuousClock.Instant
  }

  private struct State {
    var jobs: [Job?] = []
    /// Of the next job in `jobs`.
    var head = 0
    var isClosed = false
    var count: Int { jobs.count - head }
  }

  private let limit: Int
  /// Guards the waiting jobs; held for an append or a removal.
  private let state = Mutex(State())
  private let available = DispatchSemaphore(value: 0)

  init(limit: Int) { self.limit = max(1, limit) }

  var count: Int { state.withLock { $0.count } }

  enum Refusal { case full(waiting: Int, limit: Int), closed }

  /// Takes a job, or says why not.
  func append(_ job: Job) -> Refusal? {
    let refusal = state.withLock { state -> Refusal? in
      if state.isClosed { return .closed }
      if state.count >= limit { return .full(waiting: state.count, limit: limit) }
      state.jobs.append(job)
      return nil
    }
    if refusal == nil { available.signal() }
    return refusal
  }

  /// The oldest job; waits for one. `nil` once the queue is closed and empty.
  func next() -> Job? {
    while true {
      // Bounded, so that no lost signal can stop the thread for ever.
      _ = available.wait(timeout: .now() + .seconds(1))
      let (job, isOver) = state.withLock { state -> (Job?, Bool) in
        guard state.count > 0 else { return (nil, state.isClosed) }
        let job = state.jobs[state.head]
        state.jobs[state.head] = nil
        state.head += 1
        // Amortised O(1).
        if state.head >= 32, state.head * 2 >= state.jobs.count {
          state.jobs.removeFirst(state.head)
          state.head = 0
        }
        return (job, false)
      }
      if let job { return job }
      if isOver { return nil }
    }
  }

  /// No more jobs are taken; those that wait are still given out.
  func close() {
    state.withLock { $0.isClosed = true }
    available.signal()
  }

  /// Closes the queue and takes back what waits.
  func drain() -> [Job] {
    let jobs = state.withLock { state -> [Job] in
      state.isClosed = true
      let jobs = state.jobs[state.head...].compactMap { $0 }
      state.jobs = []
      state.head = 0
      return jobs
    }
    available.signal()
    return jobs
  }
}
