/// How long something is expected to take: the longest of the last few times, and what was reported before there were any.
///
/// Paper: Clockwork takes a high percentile of its last 10 measurements, which of 10 is the longest.
struct DurationEstimate {
  private static let window = 10
  private var recent: [Nanoseconds] = []
  private let reported: Nanoseconds

  init(reported: Nanoseconds) { self.reported = reported }

  mutating func add(_ duration: Nanoseconds) {
    if recent.count == Self.window { recent.removeFirst() }
    recent.append(duration)
  }

  var value: Nanoseconds { recent.max() ?? reported }
}
