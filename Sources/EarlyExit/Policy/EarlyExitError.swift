/// What was wrong with what an early-exit decision, or a ramp's training, was asked to work on.
public enum EarlyExitError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Thresholds are finite and not negative.
  case invalidThreshold(ramp: RampID, value: Float)
  /// The ramps of a policy go strictly from the input to the output.
  case unorderedRamps(before: RampID, after: RampID)
  /// The model has no such site.
  case unknownRamp(ramp: RampID, sites: Int)
  /// A latency profile contradicts itself.
  case invalidProfile(batchSize: Int, expected: String, got: String)
  /// A setting is out of its range.
  case invalidOption(name: String, expected: String, got: String)
  /// An observation does not have one value for every site of the model.
  case wrongObservation(expected: String, got: String)
  /// An exhaustive search over this many policies would not end in useful time.
  case tooManyPolicies(ramps: Int, items: Int, limit: Int)
  /// These are not the bytes of a controller's state, or not all of them are as they were written.
  case damagedState(expected: String, got: String)
  /// The state was written by a newer version of this program.
  case newerState(version: Int, supported: Int)
  /// The state belongs to another model.
  case foreignState(expected: String, got: String)
  /// An array does not have the length of its shape, or features are not those of this ramp.
  case wrongShape(what: String, expected: String, got: String)
  /// There is nothing to train on.
  case noItems
  /// What the model computes on the bootstrap set must be finite.
  case nonFiniteFeature(item: Int, feature: Int, value: Float)
  /// The original model's answer for an item is none of its classes, or its probabilities are none.
  case invalidAnswer(item: Int, expected: String, got: String)
  /// The caller's checkpoint asked training to end.
  case trainingCancelled

  public var description: String {
    switch self {
    case .invalidThreshold(let ramp, let value): "\(ramp): expected a finite threshold of at least 0, got \(value)"
    case .unorderedRamps(let before, let after):
      "ramps must be listed from input to output, each once; \(after) follows \(before)"
    case .unknownRamp(let ramp, let sites): "\(ramp) does not exist: the model has \(sites) sites, counted from 0"
    case .invalidProfile(let batchSize, let expected, let got):
      "latency profile at batch size \(batchSize): expected \(expected), got \(got)"
    case .invalidOption(let name, let expected, let got): "\(name): expected \(expected), got \(got)"
    case .wrongObservation(let expected, let got): "observation: expected \(expected), got \(got)"
    case .tooManyPolicies(let ramps, let items, let limit):
      "exhaustive tuning of \(ramps) ramps on \(items) items would visit more than \(limit) policies"
    case .damagedState(let expected, let got): "saved controller state is damaged: expected \(expected), got \(got)"
    case .newerState(let version, let supported):
      "saved controller state has format \(version); this program reads formats up to \(supported)"
    case .foreignState(let expected, let got):
      "saved controller state belongs to another model: expected fingerprint \(expected), got \(got)"
    case .wrongShape(let what, let expected, let got): "\(what): expected \(expected), got \(got)"
    case .noItems: "there is nothing to train on: the bootstrap set is empty"
    case .nonFiniteFeature(let item, let feature, let value):
      "feature \(feature) of item \(item) is \(value); the model's outputs on the bootstrap set must be finite"
    case .invalidAnswer(let item, let expected, let got):
      "the model's answer for item \(item): expected \(expected), got \(got)"
    case .trainingCancelled: "training was cancelled"
    }
  }
}
