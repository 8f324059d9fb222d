/// Jobs in the order in which an executor takes them: by the time from which they may start, then by arrival.
///
/// So a job that may start at once overtakes those that wait for their time, as Clockwork's queues have it. Insertion is
/// O(n) moves, taking O(1).
struct ActionQueue<Job> {
  enum Next {
    case job(Job)
    /// Nothing may start before this time.
    case wait(until: Nanoseconds)
    case empty
  }

  /// Descending, so that the next is the last.
  private var waiting: [(eligible: Nanoseconds, job: Job)] = []

  var count: Int { waiting.count }

  mutating func insert(_ job: Job, eligible: Nanoseconds) {
    var (low, high) = (0, waiting.count)
    // The first place that does not start later: an equal one came before and goes first.
    while low < high {
      let middle = (low + high) / 2
      if waiting[middle].eligible > eligible { low = middle + 1 } else { high = middle }
    }
    waiting.insert((eligible, job), at: low)
  }

  mutating func next(at now: Nanoseconds) -> Next {
    guard let first = waiting.last else { return .empty }
    guard first.eligible <= now else { return .wait(until: first.eligible) }
    waiting.removeLast()
    return .job(first.job)
  }

  /// Takes all jobs out, in order.
  mutating func removeAll() -> [Job] {
    defer { waiting = [] }
    return waiting.reversed().map(\.job)
  }
}

extension ActionQueue.Next: Sendable where Job: Sendable {}
