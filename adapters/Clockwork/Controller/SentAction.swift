import Wire

/// An action on its way, and what its answers are checked with.
struct SentAction: Sendable {
  let action: ClockworkAction
  let sent: Nanoseconds
  /// Whether the action carried inputs: outputs come back only then.
  let hasInputs: Bool
  /// Bytes of one item's outputs; `nil` when nobody said.
  let outputSize: Int?
  var answeredItems: Set<UInt32> = []
}

extension ClockworkAction {
  /// The times between which it must start.
  var window: (earliest: Nanoseconds, latest: Nanoseconds)? {
    switch self {
    case .loadModelFromDisk(let action): (action.earliest, action.latest)
    case .loadWeights(let action): (action.earliest, action.latest)
    case .evictWeights(let action): (action.earliest, action.latest)
    case .infer(let action): (action.earliest, action.latest)
    case .clearCache, .getWorkerState: nil
    }
  }
}
