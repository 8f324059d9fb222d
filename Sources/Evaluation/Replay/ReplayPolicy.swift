/// Who decides when items leave during a replay.
public enum ReplayPolicy: String, Sendable, CaseIterable, Codable {
  /// The controller.
  case apparate
  /// The paper's controller: its greedy tuner, tuned on the window that it reports on.
  case paper
  /// Nobody: the model as it is.
  case vanilla
  /// One threshold for all ramps, tuned once on bootstrap data, as BranchyNet and DeeBERT are commonly run.
  case staticShared = "static-shared"
  /// One threshold for each ramp, tuned once on bootstrap data.
  case staticPerRamp = "static-per-ramp"
  /// One threshold for each ramp, tuned once on the stream itself: the best that thresholds which never move could have
  /// done, for who knew the stream beforehand.
  case hindsight
  /// An oracle, computed from the vanilla run: no engine can know what it knows.
  case optimal

  /// Whether thresholds are tuned once on data that come before the stream.
  public var isStatic: Bool { self == .staticShared || self == .staticPerRamp }
}
