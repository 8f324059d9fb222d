import EarlyExit

/// What a preparation found at each site, and what it chose. Also printed as JSON.
public struct PreparationReport: Sendable, Codable, Equatable {
  public struct Site: Sendable, Codable, Equatable {
    public var ramp: Int
    public var name: String
    /// How much of the model's operations, and of its latency at the smallest batch size, lie before it, 0 to 1.
    public var flopShare: Double
    public var latencyShare: Double
    /// On validation items, the share of answers that were the model's.
    public var agreement: Double
    /// Expected calibration error of the top-1 probability, before and after calibration.
    public var uncalibratedError: Double
    public var calibratedError: Double
    public var temperature: Double
    /// Strength of the penalty that validation chose.
    public var l2: Double
    /// Whether the optimiser reached its optimum.
    public var converged: Bool
    public var parameters: Int
    /// What the ramp adds to a batch of one, in milliseconds, and to any batch at most, as a share of the model.
    public var costMilliseconds: Double
    public var costShare: Double
    /// Whether it is active at first.
    public var isActive: Bool
  }

  public var model: String
  public var output: String
  public var device: String
  public var style: String
  public var classes: Int
  public var items: Int
  public var trainingItems: Int
  public var validationItems: Int
  public var accuracy: Double
  public var rampBudget: Double
  /// Of a batch of one without ramps, and how much the starting ramps slow any batch down at most.
  public var latencyMilliseconds: Double
  public var slowdown: Double
  public var sites: [Site]
  /// Seconds of each stage.
  public var seconds: [String: Double]
}
