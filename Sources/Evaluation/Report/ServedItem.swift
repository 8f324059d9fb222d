import EarlyExit

/// What became of one item of a replayed stream. Times in seconds from the start of the replay.
public struct ServedItem: Sendable, Equatable {
  /// When it was due: latencies count from here, whether or not the replay was late to submit it.
  public var arrival: Double
  /// When the device began with its batch.
  public var started: Double
  /// When its answer was final.
  public var released: Double
  /// When its batch had run to the end.
  public var ended: Double
  public var exit: ExitPosition
  /// The class that was answered.
  public var answer: Int
  public var batchSize: Int
  /// Which policy the batch ran under.
  public var policyVersion: UInt64

  public init(
    arrival: Double, started: Double, released: Double, ended: Double, exit: ExitPosition, answer: Int, batchSize: Int,
    policyVersion: UInt64
  ) {
    self.arrival = arrival
    self.started = started
    self.released = released
    self.ended = ended
    self.exit = exit
    self.answer = answer
    self.batchSize = batchSize
    self.policyVersion = policyVersion
  }

  /// The same item, everything later.
  func moved(by seconds: Double) -> ServedItem {
    var moved = self
    moved.arrival += seconds
    moved.started += seconds
    moved.released += seconds
    moved.ended += seconds
    return moved
  }

  public var latencyMilliseconds: Double { (released - arrival) * 1e3 }
}
