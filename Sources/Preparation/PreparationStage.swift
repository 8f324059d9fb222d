/// What a preparation is doing, for a progress bar.
public enum PreparationStage: Sendable, Equatable {
  /// Compiling kernels.
  case building
  /// Items have gone through the model.
  case collecting
  /// Ramps are trained.
  case training
  /// Latencies are measured.
  case measuring

  public var label: String {
    switch self {
    case .building: "building programs"
    case .collecting: "running the bootstrap items"
    case .training: "training ramps, in percent"
    case .measuring: "measuring latencies"
    }
  }
}

/// Called with the steps done and the steps in all, from any thread.
public typealias PreparationProgress = @Sendable (PreparationStage, _ done: Int, _ total: Int) -> Void
