import Foundation
import OpenCLRuntime
import Synchronization

/// Runs jobs one after the other, none before its time: on a thread of its own, or on that of whoever brings a job, where a
/// thread that had to be woken first would cost more than the job.
///
/// A job that only sets something in motion can hold the executor until that has ended.
final class Executor: Sendable {
  enum Turn: Sendable {
    /// It is the job's turn.
    case start
    /// It never will be: the executor stops.
    case cancelled
  }

  typealias Job = @Sendable (Turn) -> Void

  /// Keeps other jobs waiting until it is released.
  struct Hold: Sendable {
    fileprivate let number: UInt64
  }

  private struct State {
    var jobs = ActionQueue<Job>()
    var isStopped = false
    /// Some thread runs a job.
    var isRunning = false
    var hold: (number: UInt64, until: Nanoseconds, overdue: @Sendable () -> Void)?
    var holds: UInt64 = 0

    var isIdle: Bool { !isRunning && hold == nil }
  }

  private let clock: NodeClock
  /// Guards the jobs that wait, and whose turn it is.
  private let state = Mutex(State())
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
    let accepted = insert(job, eligible: eligible)
    if accepted { wakeUp.signal() } else { job(.cancelled) }
  }

  /// As ``enqueue(eligible:_:)``, but here and now if it is the job's turn. For jobs that end soon.
  func perform(eligible: Nanoseconds = 0, _ job: @escaping Job) {
    guard insert(job, eligible: eligible) else { return job(.cancelled) }
    let isFree = state.withLock { state in
      guard state.isIdle else { return false }
      state.isRunning = true
      return true
    }
    if isFree { runAndLeaveTheRest() }
  }

  private func insert(_ job: @escaping Job, eligible: Nanoseconds) -> Bool {
    state.withLock { state in
      guard !state.isStopped else { return false }
      state.jobs.insert(job, eligible: eligible)
      return true
    }
  }

  /// To be called by a job: no other starts before the hold is released, or `limit` is over.
  ///
  /// - Parameter overdue: called when it has not been released by then, before others start.
  func hold(_ limit: Duration, overdue: @escaping @Sendable () -> Void) -> Hold {
    let until = clock.now() + Nanoseconds(limit)
    return state.withLock { state in
      state.holds += 1
      state.hold = (state.holds, until, overdue)
      return Hold(number: state.holds)
    }
  }

  /// The next job may start: it does, on this thread. Nothing happens when the hold is over already.
  func release(_ hold: Hold) {
    let isFree = state.withLock { state -> Bool in
      guard state.hold?.number == hold.number else { return false }
      state.hold = nil
      // The job that holds has not returned yet, and its thread goes on.
      guard !state.isRunning else { return false }
      state.isRunning = true
      return true
    }
    if isFree { runAndLeaveTheRest() }
  }

  /// Lets the job that runs come to its end, cancels the others, and ends the thread.
  func stop() {
    state.withLock { $0.isStopped = true }
    wakeUp.signal()
  }

  /// - Returns: whether the thread had ended before `time` was over.
  func waitUntilStopped(_ time: Duration) -> Bool {
    guard ended.wait(timeout: .now() + .nanoseconds(Int(Nanoseconds(time)))) == .success else { return false }
    ended.signal()
    return true
  }

  // MARK: Running

  private enum Pause {
    case until(Nanoseconds)
    /// Nothing waits, or a hold must be released first.
    case open
    case stopped
  }

  /// Runs jobs while it is their time. For the thread that has set ``State/isRunning``.
  private func runJobs() -> Pause {
    while true {
      let now = clock.now()
      let (job, pause) = state.withLock { state -> (Job?, Pause) in
        let next: ActionQueue<Job>.Next = state.isStopped ? .empty : state.jobs.next(at: now)
        if case .job(let job) = next { return (job, .open) }
        state.isRunning = false
        if state.isStopped { return (nil, .stopped) }
        if case .wait(let time) = next { return (nil, .until(time)) }
        return (nil, .open)
      }
      guard let job else { return pause }
      job(.start)
      let isHeld = state.withLock { state in
        if state.hold != nil { state.isRunning = false }
        return state.hold != nil
      }
      if isHeld { return .open }
    }
  }

  /// Runs jobs here; those that must wait are the executor's own thread's.
  private func runAndLeaveTheRest() {
    if case .open = runJobs() { return }
    wakeUp.signal()
  }

  private func run() {
    ProcessorThreads.wakesOnTime()
    ProcessorThreads.runsWhenWoken()
    while true {
      giveUpOverdueHold()
      let isFree = state.withLock { state in
        guard state.isIdle else { return false }
        state.isRunning = true
        return true
      }
      let pause = isFree ? runJobs() : .open
      switch pause {
      case .stopped:
        for job in state.withLock({ $0.jobs.removeAll() }) { job(.cancelled) }
        ended.signal()
        return
      case .until(let time):
        let now = clock.now()
        let rest = time > now ? min(time - now, Self.longestWait) : 0
        _ = wakeUp.wait(timeout: .now() + .nanoseconds(Int(rest)))
      case .open: _ = wakeUp.wait(timeout: .now() + .nanoseconds(Int(Self.longestWait)))
      }
    }
  }

  private func giveUpOverdueHold() {
    let now = clock.now()
    let overdue = state.withLock { state -> (@Sendable () -> Void)? in
      guard let hold = state.hold, !state.isRunning, now >= hold.until else { return nil }
      state.hold = nil
      return hold.overdue
    }
    overdue?()
  }

  /// Far times and holds are looked at again now and then.
  private static let longestWait: Nanoseconds = 10_000_000_000
}
