import Serving

/// Why a replay has no result.
public enum EvaluationError: Error, Sendable, CustomStringConvertible {
  /// The servable refused or lost a batch.
  case batchFailed(firstItem: Int, reason: ServingError)
  /// A batch did not end in time.
  case stuck(firstItem: Int, seconds: Double)
  /// No output of the model holds scores or a class for each item.
  case noAnswer(outputs: [String])
  case invalidOption(name: String, expected: String, got: String)
  /// The file has no ramps.
  case notPrepared(model: String)
  /// A model's output is not there.
  case missingOutput(name: String)

  public var description: String {
    switch self {
    case .batchFailed(let item, let reason): "the batch that starts at item \(item) failed: \(reason)"
    case .stuck(let item, let seconds): "the batch that starts at item \(item) did not end within \(seconds) s"
    case .noAnswer(let outputs):
      "none of the outputs \(outputs.joined(separator: ", ")) holds scores or a class for each item"
    case .invalidOption(let name, let expected, let got): "\(name): expected \(expected), got \(got)"
    case .notPrepared(let model): "\(model) has no ramps: run `apparate prepare` on it first"
    case .missingOutput(let name): "the model gave no output \"\(name)\""
    }
  }
}
