/// What `EngineBench` found out about one peer on one workload.
struct EngineResult: Encodable, Sendable {
  /// One engine's own figures.
  struct Side: Encodable, Sendable {
    /// Median over the rounds of the median run.
    var milliseconds: Double
    var memory: MemoryReply
    /// With kernel caches filled, where the engine has any.
    var load: LoadReply
  }

  var model: String
  var threads: Int
  var batch: Int
  var rounds: Int
  /// Rounds in which other processes used more than a tenth of a core: with many of these, do not trust the figures.
  var disturbedRounds: Int
  var subject: EngineName
  var peer: EngineName
  var subjectSide: Side
  var peerSide: Side
  /// The subject's load with empty kernel caches.
  var coldLoad: LoadReply?
  /// Peer's time ÷ subject's time, over the rounds: above 1, the subject is faster.
  var speed: Distribution

  /// Peer's peak ÷ subject's peak, each above what its process held before the engine was loaded.
  var memoryRatio: Double
  var agreement: Agreement
}

/// A workload that could not be measured.
struct FailedResult: Encodable, Sendable {
  var model: String
  var threads: Int
  var batch: Int
  var error: String
}
