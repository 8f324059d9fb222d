import ModelGraph
import Serving
import Wire

/// What models there are and what they look like.
extension InferenceService {
  /// The signatures of a model, by name.
  ///
  /// - Parameter fields: what is asked for; there is only `signature_def`.
  public func metadata(
    _ spec: ModelSpec?, fields: [String]
  ) throws(TensorFlowStatus) -> (spec: ModelSpec, signatures: [SignatureMessage]) {
    guard let spec else { throw .invalid("Missing ModelSpec") }
    guard !fields.isEmpty else {
      throw .invalid("GetModelMetadataRequest must specify at least one metadata_field")
    }
    if let other = fields.first(where: { $0 != "signature_def" }) {
      throw .invalid("Metadata field \(other) is not supported")
    }
    let model = try model(spec)
    let signatures = model.signatures.entries.values.sorted { $0.signature.name < $1.signature.name }
    return (answerSpec(spec, model: model, signature: ""), signatures.map { SignatureMessage($0) })
  }

  /// The states of all versions, descending, or of one. A label is ignored, as TensorFlow-Serving does it.
  public func versionStates(_ spec: ModelSpec?) throws(TensorFlowStatus) -> [VersionState] {
    guard let spec else { throw .invalid("Missing ModelSpec") }
    guard !spec.name.isEmpty else { throw .invalid("ModelSpec has no name specified.") }
    let number: Int64? = if case .number(let number) = spec.version { number } else { nil }
    do throws(ServingError) {
      if number == 0, (try? source.versionStates(of: spec.name, version: 0)) == nil {
        return try source.versionStates(of: spec.name, version: nil)
      }
      return try source.versionStates(of: spec.name, version: number)
    } catch {
      guard let number, number != 0 else {
        throw TensorFlowStatus(.notFound, "Could not find any versions of model \(spec.name)")
      }
      throw TensorFlowStatus(.notFound, "Could not find version \(number) of model \(spec.name)")
    }
  }
}

extension SignatureMessage {
  init(_ entry: SignatureMap.Entry) {
    self.init(
      name: entry.signature.name,
      inputs: entry.signature.inputs.map { Tensor($0, name: entry.inputNames[$0.name]) },
      outputs: entry.signature.outputs.map { Tensor($0, name: entry.outputNames[$0.name]) },
      methodName: entry.method.rawValue)
  }
}

extension SignatureMessage.Tensor {
  fileprivate init(_ spec: TensorSpec, name: String?) {
    self.init(
      alias: spec.name, name: name ?? spec.name, type: spec.type.tensorFlowType,
      extents: spec.shape.map { $0.map { Int64($0 ?? -1) } })
  }
}
