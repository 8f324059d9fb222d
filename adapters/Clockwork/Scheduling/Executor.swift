import Foundation
import OpenCLRuntime
import Synchronization

/// One thread that runs jobs one after the other, none before its time.
final class Executor: Sendable {
  enum Turn: Sendable {
    /// It is the job's turn.
    case start
    /// It never will be: the executor stops.
    case cancelled
  }

  typealias Job = @Sendable (Turn) -> Void

  private let clock: NodeClock
  /// Guards the jobs that wait.
  private let queue = Mutex((jobs: ActionQueue<Job>(), isStopped: false))
  private let wakeUp = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  init(name: String, clock: NodeClock) {
    self.clock = clock
    let thread = Thread { self.run() }
    thread.name = name
    thread.qualityOfService = .userInteractive
    thread.start()
  }

  /// - Parameters:
  ///   - eligible: when the job may start, on the executor's clock.
  ///   - job: called on the executor's thread; on the caller's, if the executor has stopped.
  func enqueue(eligible: Nanoseconds = 0, _ job: @escaping Job) {
    let accepted = queue.withLock { queue -> Bool in
      guard !queue.isStopped else { return false }
      queue.jobs.insert(job, eligible: eligible)
      return true
    }
    if accepted { wakeUp.signal() } else { job(.cancelled) }
  }

  /// Lets the job that runs come to its end, cancels the others, and ends the thread.
  func stop() {
    queue.withLock { $0.isStopped = true }
    wakeUp.signal()
  }

  /// - Returns: whether the thread had ended before `time` was over.
  func waitUntilStopped(_ time: Duration) -> Bool {
    guard ended.wait(timeout: .now() + .nanoseconds(Int(Nanoseconds(time)))) == .success else { return false }
    ended.signal()
    return true
  }

  private func run() {
    ProcessorThreads.wakesOnTime()
    ProcessorThreads.runsWhenWoken()
    while true {
      let now = clock.now()
      let next = queue.withLock { queue -> ActionQueue<Job>.Next? in
        queue.isStopped ? nil : queue.jobs.next(at: now)
      }
      guard let next else { break }
      switch next {
      case .job(let job): job(.start)
      case .wait(let time): _ = wakeUp.wait(timeout: .now() + .nanoseconds(Int(min(time - now, Self.longestWait))))
      case .empty: _ = wakeUp.wait(timeout: .now() + .nanoseconds(Int(Self.longestWait)))
      }
    }
    for job in queue.withLock({ $0.jobs.removeAll() }) { job(.cancelled) }
    ended.signal()
  }

  /// Far times are looked at again now and then.
  private static let longestWait: Nanoseconds = 10_000_000_000
}
