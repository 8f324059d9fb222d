/// Thresholds chosen on recorded items, and what they do on those same items.
///
/// The figures are those of the items tuned on, which makes them optimistic: a policy that was chosen for its few
/// disagreements here has more of them elsewhere. ``Certifier`` says what holds for new items.
public struct TunedPolicy: Sendable, Equatable {
  /// One for each ramp that was tuned, from input to output.
  public let exits: [ExitPolicy.Exit]
  /// How many items it was tuned on.
  public let items: Int
  /// How many of their answers were not the model's own.
  public let disagreements: Int
  /// Seconds per item, against the model without any ramp; negative when ramps cost more than exits save.
  public let meanSaving: Double
}
