import ModelGraph

/// Why the engine could not load or run a model.
public enum EngineError: Error, Sendable, CustomStringConvertible {
  /// An operator passed import but this combination of types or attributes has no kernel.
  case unsupported(node: String, op: String, reason: String)
  case missingInput(name: String, expected: [String])
  case unknownInput(name: String, expected: [String])
  case wrongType(input: String, expected: DataType, got: DataType)
  case unknownValue(name: String)
  /// All of the model's outputs were to be side outputs.
  case noMainOutput(model: String)
  case kernelSourceMissing(file: String)
  /// See ``LoadedModel/releaseWeights()``.
  case weightsReleased(model: String)

  public var description: String {
    switch self {
    case .unsupported(let node, let op, let reason): "node \"\(node)\" (\(op)) cannot run: \(reason)"
    case .missingInput(let name, let expected):
      "input \"\(name)\" is missing; the model expects: \(expected.joined(separator: ", "))"
    case .unknownInput(let name, let expected):
      "the model has no input \"\(name)\"; it expects: \(expected.joined(separator: ", "))"
    case .wrongType(let input, let expected, let got): "input \"\(input)\" must be \(expected), got \(got)"
    case .unknownValue(let name): "the model has no value \"\(name)\""
    case .noMainOutput(let model): "model \(model) has side outputs only; a run needs a main output"
    case .weightsReleased(let model): "the weights of model \(model) are not on the device"
    case .kernelSourceMissing(let file): "kernel source \(file) is not installed beside the executable"
    }
  }
}
