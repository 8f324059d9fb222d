import ModelGraph
import Serving
import Wire

extension TensorFlowStatus {
  /// A model that could not be found. Tools wait for a server with the help of this text: they look for "Servable".
  init(_ error: ServingError, lookingFor name: String, version: VersionChoice) {
    switch (error, version) {
    case (.labelNotFound(_, let label), _), (.modelNotFound, .label(let label)):
      self = .invalid("Unrecognized servable version label: \(label)")
    case (.versionNotFound(_, let number), _), (.modelNotFound, .specific(let number)):
      self.init(.notFound, "Servable not found for request: Specific(\(name), \(number))")
    case (.modelNotFound, .latest), (.shuttingDown, _):
      self.init(.notFound, "Servable not found for request: Latest(\(name))")
    default: self.init(error)
    }
  }

  /// A request that did not run, or failed while it did.
  init(_ error: ServingError) {
    switch error {
    case .modelNotFound(let name): self.init(.notFound, "Servable not found for request: Latest(\(name))")
    case .versionNotFound(let name, let version):
      self.init(.notFound, "Servable not found for request: Specific(\(name), \(version))")
    case .labelNotFound(_, let label): self = .invalid("Unrecognized servable version label: \(label)")
    case .signatureNotFound(let name): self.init(.failedPrecondition, "Serving signature key \"\(name)\" not found.")
    case .wrongInputs(let sent, let expected): self = .wrongInputNames(sent: sent, expected: expected)
    case .wrongType(let input, let expected, let got):
      self = .invalid(
        "Expects input \(input) to be \(expected.tensorFlowType.name) but \(got.tensorFlowType.name) is provided")
    case .wrongShape: self = .invalid(error.description)
    case .tooManyItems(let count, let limit):
      self = .invalid("Task size \(count) is larger than maximum input batch size \(limit)")
    case .noBatchAxis: self = .invalid("Batching Run() input tensors must have at least one dimension")
    case .unequalBatchSizes: self = .invalid("Batching Run() input tensors must have equal 0th-dimension size")
    case .outputNotBatched(_, _, let shape) where shape.isEmpty:
      self.init(.failedPrecondition, "Batched output tensor has 0 dimensions")
    case .outputNotBatched:
      self.init(
        .failedPrecondition,
        "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input tensors")
    case .queueFull(let batches, let limit):
      self.init(
        .unavailable,
        "The batch scheduling queue to which this task was submitted is full; currently \(batches) batches enqueued and max_enqueued_batches is \(limit)"
      )
    case .deadlineExceeded: self.init(.deadlineExceeded, "Run() timeout exceeded while waiting in batching queue")
    case .abandoned: self.init(.cancelled, "The call was cancelled")
    case .overloaded(let waiting, let limit):
      self.init(.resourceExhausted, "The model has \(waiting) batches waiting, and at most \(limit) may")
    case .shuttingDown(let name): self.init(.unavailable, "The model \(name) is being unloaded")
    case .weightsAbsent: self.init(.unavailable, "The model's weights are not on the device")
    case .deviceFailed(let reason): self.init(.internalError, "The device failed: \(reason)")
    }
  }

  static func wrongInputNames(sent: [String], expected: [String]) -> TensorFlowStatus {
    let extra = Set(sent).subtracting(expected).sorted().joined(separator: ",")
    let missing = Set(expected).subtracting(sent).sorted().joined(separator: ",")
    return .invalid(
      "input size does not match signature: \(sent.count)!=\(expected.count) "
        + "len({\(sent.sorted().joined(separator: ","))}) != len({\(expected.sorted().joined(separator: ","))}). "
        + "Sent extra: {\(extra)}. Missing but required: {\(missing)}.")
  }

  /// A request that is not the message it should be; grpc's own servers answer so.
  init(unreadable message: String, _ error: WireError) {
    self.init(.internalError, "cannot parse \(message): \(error)")
  }

  /// A list of models that was not taken.
  init(_ error: ReloadError) {
    switch error {
    case .duplicateModel(let name): self = .invalid("Illegal to list model \(name) multiple times in config list")
    case .relativeBasePath(let model, let path):
      self = .invalid("Expected model \(model) to have an absolute path or URI; got base_path()=\(path)")
    case .unsupportedPlatform(let model, let platform):
      self = .invalid("Model \(model) requests unsupported platform \(platform)")
    case .platformChanged(let model): self = .invalid("Illegal to change a model's platform. For model \(model)")
    case .labelUnavailable(_, let version, let model):
      self.init(
        .failedPrecondition,
        "Request to assign label to version \(version) of model \(model), which is not currently available for inference"
      )
    case .notAvailable(let reasons):
      let list = reasons.sorted { $0.key < $1.key }.map { "{\($0.key) due to error: \($0.value)}, " }.joined()
      self.init(.unknown, "\(reasons.count) model(s) did not become available: {\(list)}")
    case .timedOut(let seconds):
      self.init(.deadlineExceeded, "Not all models became available within \(seconds) seconds; loading goes on")
    case .shuttingDown: self.init(.unavailable, "The server is shutting down")
    }
  }
}
