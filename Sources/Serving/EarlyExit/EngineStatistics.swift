import EarlyExit

/// What an engine has done since it started, and what it is doing.
public struct EngineStatistics: Sendable, Equatable {
  /// One site.
  public struct Ramp: Sendable, Equatable {
    public let ramp: RampID
    public let isActive: Bool
    /// In force now; 0 releases nothing.
    public internal(set) var threshold: Float
    /// Answers that were released here.
    public internal(set) var exits: UInt64 = 0
    /// Items that the ramp saw, and those of them for which it said what the model said.
    public internal(set) var observed: UInt64 = 0
    public internal(set) var agreed: UInt64 = 0
  }

  public internal(set) var ramps: [Ramp]
  public internal(set) var batches: UInt64 = 0
  public internal(set) var failedBatches: UInt64 = 0
  /// Answered items, and those of them whose answer is the final head's.
  public internal(set) var items: UInt64 = 0
  public internal(set) var finalExits: UInt64 = 0
  /// Released early, and the same as the model's own answer.
  public internal(set) var earlyAgreements: UInt64 = 0
  /// Seconds that early answers came before the end of their batches, summed over items.
  public internal(set) var secondsSaved = 0.0
  /// Seconds that batches took on the device, and waited before.
  public internal(set) var secondsRunning = 0.0
  public internal(set) var secondsWaiting = 0.0
  /// Batches that wait now.
  public internal(set) var queueDepth = 0
  /// Submissions that were refused because too many batches waited.
  public internal(set) var refusedBatches: UInt64 = 0
  /// Observations that did not fit on their way to the controller.
  public internal(set) var lostObservations = 0
  public internal(set) var policyVersion: UInt64
  /// What thresholds were multiplied with for the last batch: below 1 when the controller lags, 0 while
  /// the device does not keep up.
  public internal(set) var caution: Float = 1

  public var earlyExits: UInt64 { items - finalExits }

  /// The share of all answers that are the model's own; 1 before the first.
  public var agreement: Double {
    items == 0 ? 1 : Double(finalExits + earlyAgreements) / Double(items)
  }

  init(sites: Int, policy: ExitPolicy) {
    ramps = (0..<sites).map { Ramp(ramp: RampID($0), isActive: false, threshold: 0) }
    policyVersion = policy.version
    apply(policy)
  }

  mutating func apply(_ policy: ExitPolicy) {
    policyVersion = policy.version
    for index in ramps.indices {
      let exit = policy.exits.first { $0.ramp == ramps[index].ramp }
      var ramp = Ramp(ramp: ramps[index].ramp, isActive: exit != nil, threshold: exit?.threshold ?? 0)
      (ramp.exits, ramp.observed, ramp.agreed) = (ramps[index].exits, ramps[index].observed, ramps[index].agreed)
      ramps[index] = ramp
    }
  }
}
