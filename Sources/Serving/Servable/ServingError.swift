import ModelGraph

/// Why a request was not served. Adapters translate it into their platform's codes and texts.
public enum ServingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No model of this name is configured, or no version of it is available.
  case modelNotFound(name: String)
  /// The model has no such version available.
  case versionNotFound(name: String, version: Int64)
  /// No version of the model carries this label.
  case labelNotFound(name: String, label: String)
  /// The servable has no such signature.
  case signatureNotFound(name: String)
  /// The inputs are not those of the signature. Names ascending.
  case wrongInputs(sent: [String], expected: [String])
  case wrongType(input: String, expected: DataType, got: DataType)
  /// A shape that the model cannot take.
  case wrongShape(input: String, expected: [Int?], got: [Int])
  /// As many batches wait as may.
  case overloaded(waiting: Int, limit: Int)
  /// The servable is being unloaded.
  case shuttingDown(name: String)
  /// The device or the driver failed.
  case deviceFailed(reason: String)

  public var description: String {
    switch self {
    case .modelNotFound(let name): "no version of model \(name) is available"
    case .versionNotFound(let name, let version): "model \(name) has no version \(version) available"
    case .labelNotFound(let name, let label): "no version of model \(name) is labelled \(label)"
    case .signatureNotFound(let name): "there is no signature \(name)"
    case .wrongInputs(let sent, let expected):
      "expected inputs \(expected.joined(separator: ", ")); got \(sent.joined(separator: ", "))"
    case .wrongType(let input, let expected, let got): "input \(input): expected \(expected), got \(got)"
    case .wrongShape(let input, let expected, let got):
      "input \(input): expected shape [\(expected.map { $0.map(String.init) ?? "?" }.joined(separator: ", "))], got \(got)"
    case .overloaded(let waiting, let limit): "\(waiting) batches wait already, at most \(limit) may"
    case .shuttingDown(let name): "\(name) is being unloaded"
    case .deviceFailed(let reason): "the device failed: \(reason)"
    }
  }
}
