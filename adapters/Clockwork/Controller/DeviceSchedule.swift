/// When one stage of a GPU, its execution or its copying of weights, will be free, as far as a controller can know.
struct DeviceSchedule {
  private struct Outstanding {
    let id: Int32
    /// It cannot have begun before.
    let sent: Nanoseconds
    let expected: Nanoseconds
  }

  private var outstanding: [Outstanding] = []
  /// What has been reported of the last action's end; may lie ahead.
  private var busyUntil: Nanoseconds = 0

  var count: Int { outstanding.count }

  mutating func add(_ id: Int32, sent: Nanoseconds, expected: Nanoseconds) {
    outstanding.append(Outstanding(id: id, sent: sent, expected: expected))
  }

  /// - Parameter end: when it ended, if it was done.
  mutating func remove(_ id: Int32, end: Nanoseconds?) {
    outstanding.removeAll { $0.id == id }
    if let end { busyUntil = max(busyUntil, end) }
  }

  func free(at now: Nanoseconds) -> Nanoseconds {
    let end = outstanding.reduce(busyUntil) { max($0, $1.sent) &+ $1.expected }
    return max(end, now)
  }
}
