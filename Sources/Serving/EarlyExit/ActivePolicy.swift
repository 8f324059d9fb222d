import EarlyExit
import InferenceEngine

/// An exit policy with what the engine needs to run it: made once when a policy is published, read for each batch.
final class ActivePolicy: Sendable {
  let policy: ExitPolicy
  /// What a run computes besides the model's own outputs.
  let sides: SideOutputs
  /// What each of the side outputs is.
  let roles: [Role]
  /// How many side outputs each active ramp has.
  let partCounts: [Int]
  /// By active ramp: positions among the side outputs of its scores, and of all that it says.
  private let places: [(scores: Int, all: [Int])]
  private let score: RowScore

  enum Role: Sendable {
    /// Of a ramp, by position in the policy; `answersFor` when the scores are an answer themselves.
    case scores(ramp: Int, answersFor: String?)
    case answer(ramp: Int, output: String)
    case finalScores

    var ramp: Int? {
      switch self {
      case .scores(let ramp, _), .answer(let ramp, _): ramp
      case .finalScores: nil
      }
    }

    var isScores: Bool { if case .scores = self { true } else { false } }
  }

  /// - Throws: `EarlyExitError.unknownRamp` when the policy names a ramp that the model does not have.
  init(_ policy: ExitPolicy, _ description: PreparedDescription, _ model: LoadedModel) throws {
    var roles: [String: Role] = [:]
    var counts: [Int] = []
    for (position, exit) in policy.exits.enumerated() {
      guard description.ramps.indices.contains(exit.ramp.rawValue) else {
        throw EarlyExitError.unknownRamp(ramp: exit.ramp, sites: description.ramps.count)
      }
      let ramp = description.ramps[exit.ramp.rawValue]
      var own: [String: Role] = [ramp.logits: .scores(ramp: position, answersFor: nil)]
      for (output, name) in ramp.answers {
        own[name] =
          name == ramp.logits
          ? .scores(ramp: position, answersFor: output) : .answer(ramp: position, output: output)
      }
      roles.merge(own) { first, _ in first }
      counts.append(own.count)
    }
    if !policy.exits.isEmpty, model.sideOutputNames.contains(description.finalLogits) {
      roles[description.finalLogits] = .finalScores
    }
    self.policy = policy
    partCounts = counts
    sides = try model.sideOutputs(roles.keys)
    let ordered = sides.names.compactMap { roles[$0] }
    self.roles = ordered
    places = policy.exits.indices.map { ramp in
      let all = ordered.indices.filter { ordered[$0].ramp == ramp }
      return (all.first { ordered[$0].isScores } ?? 0, all)
    }
    score = description.errorScore == .oneMinusTop1 ? .oneMinusTop1 : .normalisedEntropy
  }

  /// When the engine wants to hear of a ramp: when somebody can leave there, or nearly so, for the device rounds otherwise
  /// than ``ScoreReader``, which decides.
  func gates(caution: Float) -> [SideGate] {
    policy.exits.indices.compactMap { ramp in
      let threshold = policy.exits[ramp].threshold * caution
      guard threshold > 0 else { return nil }
      return SideGate(
        scores: places[ramp].scores, complete: places[ramp].all, limit: threshold * 1.0001 + 1e-6, score: score)
    }
  }
}
