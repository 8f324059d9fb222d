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
  /// A request of more items than a batch may have.
  case tooManyItems(count: Int, limit: Int)
  /// An input has no first axis, which would be the items.
  case noBatchAxis(input: String)
  /// The inputs of one request do not have the same number of items.
  case unequalBatchSizes
  /// An output's first axis is not the items, so that a batch cannot be split.
  case outputNotBatched(output: String, expected: Int, got: [Int])
  /// The queue that forms batches is full.
  case queueFull(batches: Int, limit: Int)
  /// The request's time was over before its batch began.
  case deadlineExceeded
  /// Nobody waits for the request any more.
  case abandoned
  /// As many batches wait as may.
  case overloaded(waiting: Int, limit: Int)
  /// The servable's weights are not on the device, see ``PagedServable``.
  case weightsAbsent
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
    case .tooManyItems(let count, let limit): "a request of \(count) items; at most \(limit) may be in one"
    case .noBatchAxis(let input): "input \(input): expected a first axis, the items; got a scalar"
    case .unequalBatchSizes: "the inputs of a request must have the same first extent"
    case .outputNotBatched(let output, let expected, let got):
      "output \(output): expected \(expected) as the first extent, to split the batch; got shape \(got)"
    case .queueFull(let batches, let limit): "\(batches) batches are being formed already, at most \(limit) may"
    case .deadlineExceeded: "the time allowed was over before the request's batch began"
    case .abandoned: "nobody waits for the answer any more"
    case .overloaded(let waiting, let limit): "\(waiting) batches wait already, at most \(limit) may"
    case .weightsAbsent: "the model's weights are not on the device"
    case .shuttingDown(let name): "\(name) is being unloaded"
    case .deviceFailed(let reason): "the device failed: \(reason)"
    }
  }
}
