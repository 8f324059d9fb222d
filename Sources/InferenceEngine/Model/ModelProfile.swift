/// Where the time of a run goes, by kernel launch and by cut vertex. Times in nanoseconds of the device's clock.
public struct ModelProfile: Sendable {
  public struct Step: Sendable {
    public let node: String
    public let kernel: String
    /// The median over the runs.
    public let duration: UInt64
  }

  public let steps: [Step]
  /// From the start of the first kernel to the end of the last, the median over the runs.
  public let span: UInt64
  /// For each cut vertex by name, the number of steps before it.
  private let cuts: [String: Int]

  /// The time in kernels.
  public var total: UInt64 { steps.reduce(0) { $0 + $1.duration } }

  /// The part of ``total`` that passes before a cut vertex.
  public func latencyShare(before vertex: String) -> Double? {
    guard let count = cuts[vertex], total > 0 else { return nil }
    return Double(steps[..<count].reduce(0) { $0 + $1.duration }) / Double(total)
  }

  init(plan: ExecutionPlan, runs: [[(start: UInt64, end: UInt64)]]) {
    func median(_ values: [UInt64]) -> UInt64 { values.sorted()[values.count / 2] }
    steps = plan.steps.enumerated().map { index, step in
      Step(
        node: step.node, kernel: step.kernel.function, duration: median(runs.map { $0[index].end - $0[index].start }))
    }
    span = plan.steps.isEmpty ? 0 : median(runs.map { ($0.last?.end ?? 0) - ($0.first?.start ?? 0) })
    cuts = Dictionary(plan.cuts.map { ($0.vertex.name, $0.step) }, uniquingKeysWith: { first, _ in first })
  }
}
