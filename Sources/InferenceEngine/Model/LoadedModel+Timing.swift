import ModelGraph
import OpenCLRuntime

/// What parts of a run take on the device, measured by running them.
extension LoadedModel {
  /// The times until cut vertices and until the end of a run without side outputs, in seconds: medians.
  ///
  /// - Parameters:
  ///   - cuts: names of cut vertices, in order.
  ///   - repetitions: of each; they take turns.
  public func times(
    _ inputs: [String: Tensor], until cuts: [String], repetitions: Int
  ) throws -> (untilCut: [Double], total: Double) {
    let ordered = try validated(inputs)
    return try state.withLock { state in
      let plan = try plan(for: ordered, tellingOfCuts: !cuts.isEmpty, in: &state)
      try bind(plan, waiting: true, in: &state)
      try plan.select([], on: queue)
      let library = state.library
      return try finishing(ordered) {
        try write(ordered, to: plan)
        let ends = try cutSteps(cuts, of: plan).map(plan.position(of:)) + [plan.selected.count]
        var times = [[Double]](repeating: [], count: ends.count)
        for round in 0...max(1, repetitions) {
          for (index, end) in ends.enumerated() {
            try queue.finish()
            let seconds = try Self.seconds {
              try plan.enqueue(0..<end, on: queue, library: library)
              try queue.finish()
            }
            if round > 0 { times[index].append(seconds) }
          }
        }
        let medians = times.map(Self.median)
        let total = medians[medians.count - 1]
        var latest = 0.0
        let untilCut = medians.dropLast().map { time in
          latest = min(max(latest, time), total)
          return latest
        }
        return (untilCut, total)
      }
    }
  }

  /// What side outputs cost by themselves, in seconds: for each group the median time of what the trunk does not compute,
  /// run many times in a row so that launching counts for little.
  public func times(
    _ inputs: [String: Tensor], of groups: [SideOutputs], repetitions: Int
  ) throws -> [Double] {
    let ordered = try validated(inputs)
    return try state.withLock { state in
      let plan = try plan(for: ordered, in: &state)
      try bind(plan, waiting: true, in: &state)
      let library = state.library
      defer { try? plan.select([], on: queue) }
      return try finishing(ordered) {
        try write(ordered, to: plan)
        // Once as a whole, so that the steps have numbers to work on.
        try plan.select(groups.reduce(into: Set<Int>()) { $0.formUnion($1.positions) }, on: queue)
        try plan.enqueue(0..<plan.selected.count, on: queue, library: library)
        try queue.finish()
        return try groups.map { group in
          let copies = try plan.selectOnly(group.positions, on: queue)
          guard copies > 0 else { return 0 }
          var times: [Double] = []
          for round in 0...max(1, repetitions) {
            let seconds = try Self.seconds {
              try plan.enqueue(0..<plan.selected.count, on: queue, library: library)
              try queue.finish()
            }
            if round > 0 { times.append(seconds) }
          }
          let empty = try Self.median(
            (0...max(1, repetitions)).map { _ in
              try Self.seconds {
                try plan.enqueueNothing(on: queue)
                try queue.finish()
              }
            })
          return max(0, Self.median(times) - empty) / Double(copies)
        }
      }
    }
  }

  private static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let (seconds, attoseconds) = try ContinuousClock().measure(body).components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
