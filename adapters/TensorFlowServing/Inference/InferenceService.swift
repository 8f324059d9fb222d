import EarlyExit
import ModelGraph
import Serving
import Wire

/// What TensorFlow-Serving's API does, independent of how a call came in: gRPC and REST decode, this decides.
///
/// Checks come in TensorFlow-Serving's order, with its codes and texts, because clients and tests look for them.
/// Thread-safe. Nothing here blocks; answers come from any thread.
public final class InferenceService: Sendable {
  public let source: any ServableSource
  public let scheduler: RequestScheduler
  /// Whether Classify and Regress want signatures that are meant for them. `--enable_signature_method_name_check`
  let checksMethodNames: Bool

  public init(source: any ServableSource, scheduler: RequestScheduler, checksMethodNames: Bool = false) {
    self.source = source
    self.scheduler = scheduler
    self.checksMethodNames = checksMethodNames
  }

  // MARK: Which model

  /// The model that `spec` names.
  public func model(_ spec: ModelSpec?) throws(TensorFlowStatus) -> ServedModel {
    guard let spec else { throw .invalid("Missing ModelSpec") }
    guard !spec.name.isEmpty else { throw .invalid("ModelSpec has no name specified.") }
    switch spec.version {
    case nil: return try model(spec.name, .latest)
    case .label(let label): return try model(spec.name, .label(label))
    case .number(0):
      // Some clients (ovmsclient) send an empty version and mean none, which protobuf cannot tell from 0. TensorFlow-Serving
      // says there is no version 0; ours gives the latest, unless there is one.
      if let zero = try? source.model(named: spec.name, version: .specific(0)) { return zero }
      return try model(spec.name, .latest)
    case .number(let number): return try model(spec.name, .specific(number))
    }
  }

  private func model(_ name: String, _ version: VersionChoice) throws(TensorFlowStatus) -> ServedModel {
    do { return try source.model(named: name, version: version) } catch {
      throw TensorFlowStatus(error, lookingFor: name, version: version)
    }
  }

  /// The `model_spec` of an answer.
  public func answerSpec(_ spec: ModelSpec?, model: ServedModel, signature: String) -> ModelSpec {
    ModelSpec(name: spec?.name ?? model.id.name, version: .number(model.id.version), signatureName: signature)
  }

  // MARK: Predict

  /// The signature that a Predict call names.
  public func predictSignature(_ name: String, of model: ServedModel) throws(TensorFlowStatus) -> SignatureMap.Entry {
    guard let entry = model.signatures[name] else {
      throw TensorFlowStatus(.failedPrecondition, "Serving signature key \"\(name)\" not found.")
    }
    return entry
  }

  public struct Prediction: Sendable {
    /// By alias, in the order of the signature.
    public let outputs: [(name: String, tensor: Tensor)]
    public let exits: [ExitPosition]
  }

  /// Runs a signature.
  ///
  /// - Parameters:
  ///   - sent: the aliases of all inputs that were sent.
  ///   - decode: gives the input of an alias, or throws what is wrong with it. Called for each before anything runs.
  ///   - outputFilter: aliases of the outputs that are wanted; empty: all.
  public func predict(
    _ entry: SignatureMap.Entry, of model: ServedModel, sent: [String],
    decode: (String) throws(TensorFlowStatus) -> SentTensor, outputFilter: [String] = [], context: CallContext,
    completion: @escaping @Sendable (Result<Prediction, TensorFlowStatus>) -> Void
  ) {
    do throws(TensorFlowStatus) {
      try checkNames(sent, of: entry)
      var inputs: [String: SentTensor] = [:]
      for name in sent { inputs[name] = try decode(name) }
      let outputs = try outputs(outputFilter, of: entry)
      let (tensors, relaxation) = try typed(inputs, of: entry)
      run(entry, of: model, inputs: tensors, outputs: outputs, context: context) { result in
        completion(
          result.map { answer in
            let named = outputs.compactMap { alias in
              answer.outputs[entry.outputNames[alias] ?? alias].map { (alias, relaxation?.restored($0) ?? $0) }
            }
            return Prediction(outputs: named, exits: answer.exits)
          })
      }
    } catch {
      completion(.failure(error))
    }
  }

  private func checkNames(_ sent: [String], of entry: SignatureMap.Entry) throws(TensorFlowStatus) {
    let expected = entry.signature.inputs.map(\.name)
    guard sent.count == expected.count else { throw .wrongInputNames(sent: sent, expected: expected) }
    let names = Set(sent)
    guard let missing = expected.sorted().first(where: { !names.contains($0) }) else { return }
    throw .invalid(
      "Signature input alias: \(missing)(feed name: \(entry.inputNames[missing] ?? missing)) not found in request and no "
        + "default value provided. Inputs expected to be in the request {\(sent.sorted().joined(separator: ","))}, or "
        + "default input alias set: {}")
  }

  private func outputs(_ filter: [String], of entry: SignatureMap.Entry) throws(TensorFlowStatus) -> [String] {
    let all = entry.signature.outputs.map(\.name)
    if filter.isEmpty { return all }
    var seen: Set<String> = []
    for alias in filter {
      guard all.contains(alias) else {
        throw .invalid(
          "output tensor alias not found in signature: \(alias) Outputs expected to be in the set "
            + "{\(all.sorted().joined(separator: ","))}.")
      }
      guard seen.insert(alias).inserted else { throw .invalid("duplicate output tensor alias: \(alias)") }
    }
    return filter
  }

  /// - Returns: inputs by alias, and how the only one was reshaped, if it is the only one.
  private func typed(
    _ sent: [String: SentTensor], of entry: SignatureMap.Entry
  ) throws(TensorFlowStatus) -> ([String: Tensor], ShapeRelaxation?) {
    var tensors: [String: Tensor] = [:]
    var relaxation: ShapeRelaxation?
    let specs = entry.signature.inputs.sorted { $0.name < $1.name }
    for (index, spec) in specs.enumerated() {
      guard let input = sent[spec.name] else { continue }
      guard case .tensor(let tensor) = input, tensor.type == spec.type else {
        throw .invalid(
          "Expects arg[\(index)] to be \(spec.type.tensorFlowType.name) but \(input.type.name) is provided")
      }
      guard let fit = ShapeRelaxation(of: tensor.shape, to: spec.shape) else {
        throw TensorFlowStatus(.wrongShape(input: spec.name, expected: spec.shape ?? [], got: tensor.shape))
      }
      tensors[spec.name] = fit.sent == fit.relaxed ? tensor : tensor.reshaped(to: fit.relaxed)
      if specs.count == 1 { relaxation = fit }
    }
    return (tensors, relaxation)
  }

  /// Hands inputs, by alias, to the scheduler.
  func run(
    _ entry: SignatureMap.Entry, of model: ServedModel, inputs: [String: Tensor], outputs: [String],
    context: CallContext, completion: @escaping @Sendable (Result<InferenceAnswer, TensorFlowStatus>) -> Void
  ) {
    var named: [String: Tensor] = [:]
    for (alias, tensor) in inputs { named[entry.inputNames[alias] ?? alias] = tensor }
    let request = InferenceRequest(
      inputs: named, outputs: Set(outputs.map { entry.outputNames[$0] ?? $0 }), isExact: context.isExact,
      deadline: context.deadline, isAbandoned: context.isAbandoned)
    scheduler.submit(request, to: model) { result in
      completion(result.mapError { TensorFlowStatus($0) })
    }
  }
}
