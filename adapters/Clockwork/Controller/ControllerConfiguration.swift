/// What a controller is told at its start.
public struct ControllerConfiguration: Sendable {
  public struct WorkerAddress: Sendable, Hashable, CustomStringConvertible {
    public var host: String
    public var port: UInt16

    public init(host: String, port: UInt16) {
      self.host = host
      self.port = port
    }

    /// `host:port`, or `host` alone for the port that workers listen on by default.
    public init?(_ text: String) {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard let host = parts.first, !host.isEmpty, parts.count <= 2 else { return nil }
      guard let port = parts.count == 2 ? UInt16(parts[1]) : 12345, port > 0 else { return nil }
      self.init(host: String(host), port: port)
    }

    public var description: String { "\(host):\(port)" }
  }

  public var workers: [WorkerAddress]
  public var host = "0.0.0.0"
  /// Where clients connect; 0 for any free port. Clockwork's own clients know no other than this.
  public var clientPort: UInt16 = 12346
  /// How much work a GPU may have waiting, and how long after its planned start an action may begin.
  public var scheduleAhead = Duration.milliseconds(10)
  /// Of requests that do not say.
  public var defaultSLO = Duration.milliseconds(100)
  /// Batch sizes that take longer are not used, save 1.
  public var maxExec = Duration.milliseconds(250)
  public var maxBatchSize = 16
  /// Whether to ask workers for each item's answer by itself; those that do not know the question ignore it.
  public var asksForItemResults = true
  /// How long workers may take to appear.
  public var connectTime = Duration.seconds(10)

  /// Told of every action and every request when it is over, one at a time; must not take long.
  public var onAction: (@Sendable (ActionRecord) -> Void)?
  public var onRequest: (@Sendable (RequestRecord) -> Void)?

  public init(workers: [WorkerAddress]) { self.workers = workers }

  func validate() throws(ClockworkError) {
    func require(_ condition: Bool, _ text: String) throws(ClockworkError) {
      if !condition { throw .invalidConfiguration(text) }
    }
    try require(!workers.isEmpty, "a controller needs at least one worker")
    try require(Set(workers).count == workers.count, "a worker is named twice")
    try require(maxBatchSize >= 1, "the largest batch must have at least one item, got \(maxBatchSize)")
    try require(scheduleAhead > .zero, "the time to schedule ahead must be above 0")
    try require(defaultSLO > .zero, "the default SLO must be above 0")
    try require(maxExec > .zero, "the longest execution must be above 0")
  }

  var schedulerOptions: InferScheduler.Options {
    var options = InferScheduler.Options()
    options.ahead = Nanoseconds(scheduleAhead)
    options.defaultSLO = Nanoseconds(defaultSLO)
    options.maxExec = Nanoseconds(maxExec)
    options.maxBatch = maxBatchSize
    return options
  }
}
