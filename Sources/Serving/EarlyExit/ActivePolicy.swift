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

  enum Role: Sendable {
    /// Of a ramp, by position in the policy; `answersFor` when the scores are an answer themselves.
    case scores(ramp: Int, answersFor: String?)
    case answer(ramp: Int, output: String)
    case finalScores
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
    self.roles = sides.names.compactMap { roles[$0] }
  }
}
