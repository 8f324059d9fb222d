/// How ramps are trained.
public struct TrainingOptions: Sendable, Equatable {
  /// Strengths of the penalty l2 / 2 · ‖W‖², added to the mean loss, of which validation chooses one. They are tried in
  /// this order until two in a row are worse than the best. It should descend: minima under strong penalties are found
  /// quickly, and a convex search starts from the last one.
  public var l2Strengths: [Float]
  public var targets = TrainingTargets.answers
  /// For each strength.
  public var maximumIterations: Int
  /// A search ends when no component of the gradient is larger, or when ten steps lower the loss by less than a
  /// ten-thousandth.
  public var gradientTolerance: Float = 1e-4
  /// Width of the dense layer of `deebert`; nil means as many as there are features, as in BERT's pooler.
  public var hiddenUnits: Int?
  /// Outputs of the convolution of `conv-pool-linear`.
  public var convolutionOutputs = 16
  /// Of the random weights where `deebert` and `conv-pool-linear` start.
  public var seed: UInt64 = 0

  /// The defaults of a style: deeper ramps take longer, so fewer strengths are tried with fewer steps.
  public init(for style: RampStyle) {
    switch style {
    case .poolingLinear:
      l2Strengths = [1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5]
      maximumIterations = 300
    case .deebert, .convPoolLinear:
      l2Strengths = [1e-2, 1e-3, 1e-4]
      maximumIterations = 50
    }
  }

  func validate() throws(EarlyExitError) {
    try Self.require("l2Strengths", l2Strengths, "at least one finite number of at least 0") { strengths in
      !strengths.isEmpty && strengths.allSatisfy { $0 >= 0 && $0.isFinite }
    }
    try Self.require("maximumIterations", maximumIterations, "at least 1") { $0 >= 1 }
    try Self.require("gradientTolerance", gradientTolerance, "a finite number of at least 0") {
      $0 >= 0 && $0.isFinite
    }
    try Self.require("hiddenUnits", hiddenUnits ?? 1, "from 1 to 65536") { (1...65536).contains($0) }
    try Self.require("convolutionOutputs", convolutionOutputs, "from 1 to 4096") { (1...4096).contains($0) }
  }

  private static func require<Value>(
    _ name: String, _ value: Value, _ expected: String, _ isValid: (Value) -> Bool
  ) throws(EarlyExitError) {
    guard isValid(value) else { throw .invalidOption(name: name, expected: expected, got: "\(value)") }
  }
}
