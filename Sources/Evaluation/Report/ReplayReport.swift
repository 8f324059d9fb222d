/// What a replay found, for programs; ``ReportPage`` shows the same to people. Times are in milliseconds unless named
/// otherwise.
public struct ReplayReport: Codable, Sendable, Equatable {
  /// What was replayed, and how.
  public struct Setup: Codable, Sendable, Equatable {
    public var model: String
    public var device: String
    public var stream: [String]
    public var policy: String
    public var arrivals: String
    public var speed: String
    public var items: Int
    public var largestBatch: Int
    /// The least share of answers that must be the model's own.
    public var accuracy: Double
    public var rampBudget: Double
    public var guarantee: String
    public var seed: UInt64
    /// Through what the stream went, see ``ReplayFace``.
    public var face: String

    public init(
      model: String, device: String, stream: [String], policy: String, arrivals: String, speed: String, items: Int,
      largestBatch: Int, accuracy: Double, rampBudget: Double, guarantee: String, seed: UInt64,
      face: String = ReplayFace.engine.rawValue
    ) {
      self.model = model
      self.device = device
      self.stream = stream
      self.policy = policy
      self.arrivals = arrivals
      self.speed = speed
      self.items = items
      self.largestBatch = largestBatch
      self.accuracy = accuracy
      self.rampBudget = rampBudget
      self.guarantee = guarantee
      self.seed = seed
      self.face = face
    }
  }

  /// The latencies of one way to serve the stream.
  public struct Run: Codable, Sendable, Equatable {
    public let name: String
    public let latency: LatencySummary
    /// Items answered a second, from the first arrival to the last answer.
    public let throughput: Double
    public let curve: [CurvePoint]
  }

  /// How many answers were the model's own.
  public struct Agreement: Codable, Sendable, Equatable {
    public let items: Int
    public let disagreements: Int
    public let share: Double
    /// Bounds of the true share with 95 % confidence (Clopper–Pearson).
    public let low: Double
    public let high: Double
  }

  /// The items of one file of the stream.
  public struct Part: Codable, Sendable, Equatable {
    public let name: String
    public let agreement: Agreement
    /// Of these items, the share that left early.
    public let exitShare: Double
    public let vanilla: LatencySummary
    public let latency: LatencySummary
  }

  /// One place where items left: a ramp that was active at some time.
  public struct Ramp: Codable, Sendable, Equatable {
    public let ramp: Int
    public let site: String
    /// How much of the model's latency lies before it, 0 to 1.
    public let latencyShare: Double
    /// Items that ran while it was active.
    public let activeItems: Int
    public let exits: Int
    public let disagreements: Int
    /// What items that left here saved, against the end of their own batch.
    public let savedMilliseconds: Double
    /// What it added to items that did not leave here or before.
    public let addedMilliseconds: Double
    /// ``savedMilliseconds`` − ``addedMilliseconds``.
    public let utilityMilliseconds: Double
  }

  /// A stretch of the stream.
  public struct Interval: Codable, Sendable, Equatable {
    public let firstItem: Int
    public let endItem: Int
    /// Exits at each of ``ramps``, in their order, then at the final head.
    public let exits: [Int]
    public let vanillaMedian: Double
    public let median: Double
    /// Of this stretch alone.
    public let agreement: Double
    /// From the start of the stream to the end of this stretch.
    public let agreementSoFar: Agreement
  }

  /// A policy and the item from which on it held.
  public struct PolicyChange: Codable, Sendable, Equatable {
    public let item: Int
    public let version: UInt64
    /// For each of ``ramps``, its threshold, or nil while it is not active.
    public let thresholds: [Double?]
  }

  public var setup: Setup
  /// Vanilla, the policy, and the oracle.
  public var runs: [Run]
  public var agreement: Agreement
  public var exitShare: Double
  public var parts: [Part]
  /// From input to output.
  public var ramps: [Ramp]
  public var intervals: [Interval]
  public var policies: [PolicyChange]

  /// By what share the policy's median latency is below that of the vanilla run.
  public var medianSaving: Double {
    guard runs.count > 1, runs[0].latency.median > 0 else { return 0 }
    return 1 - runs[1].latency.median / runs[0].latency.median
  }
}
