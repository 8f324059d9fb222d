/// Decides when background work may run beside requests: freely while none come, and for a small share of the time, in
/// slices, while they do.
///
/// A few long slices disturb fewer requests than many short ones: each one also costs those behind it, which find caches
/// full of something else. A value: time is what the caller says it is.
struct Pacer {
  typealias Instant = ContinuousClock.Instant

  private let share: Double
  private let slice: Duration
  private let quiet: Duration
  private var last: Instant
  private var lastRequest: Instant?
  private var credit = Duration.zero
  private(set) var isRunning = false

  /// - Parameters:
  ///   - share: of the time, while requests come.
  ///   - quiet: without requests for so long, nobody is disturbed.
  init(share: Double, slice: Duration = .seconds(1), quiet: Duration = .seconds(5), start: Instant) {
    self.share = share
    self.slice = slice
    self.quiet = quiet
    last = start
  }

  /// - Parameter hasRequests: whether any have come since the last time.
  /// - Returns: whether the work may run from now on.
  mutating func mayRun(at now: Instant, hasRequests: Bool) -> Bool {
    if hasRequests { lastRequest = now }
    let isQuiet = lastRequest.map { now - $0 > quiet } ?? true
    let passed = now - last
    last = now
    if isQuiet {
      isRunning = true
      return true
    }
    // What runs in quiet times is free; what runs on into requests is paid for.
    credit += passed * share
    if isRunning { credit -= passed }
    isRunning = isRunning ? credit > .zero : credit >= slice
    return isRunning
  }
}
