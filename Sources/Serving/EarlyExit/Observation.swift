import EarlyExit

/// What was seen of one served item: its answer's exit, and what every active ramp and the model itself said.
public struct Observation: Sendable, Equatable {
  /// The running number of the batch, from 0.
  public let batch: UInt64
  /// Position in the batch.
  public let item: Int
  /// Items of the batch, fill included.
  public let batchSize: Int
  public let exit: ExitPosition
  /// False for an item whose answer had to be the model's own.
  public let exitsAllowed: Bool
  /// The model's own answer: the position of its largest score.
  public let label: Int
  public let policyVersion: UInt64
  /// By site: the error score, not a number where the ramp was not active.
  public let scores: [Float]
  /// By site: the ramp's answer, −1 where it was not active.
  public let labels: [Int]

  /// Whether the answer that was released is the model's own.
  public var agrees: Bool {
    switch exit {
    case .final: true
    case .ramp(let ramp): labels[ramp.rawValue] == label
    }
  }

  init(_ slot: ObservationRing.Slot) {
    let header = slot.header
    batch = header.batch
    item = Int(header.item)
    batchSize = Int(header.batchSize)
    exit = header.exit < 0 ? .final : .ramp(RampID(Int(header.exit)))
    exitsAllowed = header.exitsAllowed
    label = Int(header.label)
    policyVersion = header.policyVersion
    scores = Array(slot.scores)
    labels = slot.labels.map { Int($0) }
  }
}
