import EarlyExit
import ModelGraph
import Serving
import Wire

/// Classify, Regress and MultiInference.
///
/// Any signature can be asked for either: TensorFlow-Serving does not check a signature's method unless told to. The
/// scores of a classification are the output `scores`, or the only output there is; those of a regression `outputs`, or
/// the only one.
extension InferenceService {
  public enum Method: String, Sendable {
    case classify = "tensorflow/serving/classify"
    case regress = "tensorflow/serving/regress"
  }

  public struct Inference: Sendable {
    public let result: InferenceResult
    public let exits: [ExitPosition]
  }

  /// Runs a signature on examples.
  public func infer(
    _ method: Method, signature: String, of model: ServedModel, examples: [any ExampleFeatures], context: CallContext,
    completion: @escaping @Sendable (Result<Inference, TensorFlowStatus>) -> Void
  ) {
    do throws(TensorFlowStatus) {
      guard let entry = model.signatures[signature] else {
        throw .invalid("No signature was found with the name: \(signature)")
      }
      try infer(method, entry, of: model, examples: examples, context: context, completion: completion)
    } catch {
      completion(.failure(error))
    }
  }

  private func infer(
    _ method: Method, _ entry: SignatureMap.Entry, of model: ServedModel, examples: [any ExampleFeatures],
    context: CallContext, completion: @escaping @Sendable (Result<Inference, TensorFlowStatus>) -> Void
  ) throws(TensorFlowStatus) {
    guard !checksMethodNames || entry.method.rawValue == method.rawValue else {
      throw .invalid(
        "Expected \(method == .classify ? "classification" : "regression") signature method_name to be "
          + "\(method.rawValue). Was: \(entry.method.rawValue)")
    }
    let output = try method == .classify ? Self.scores(of: entry) : Self.regressionOutput(of: entry)
    guard !examples.isEmpty else { throw .invalid("Input is empty.") }
    let inputs = try ExampleDecoder.inputs(entry.signature.inputs, of: examples)
    let count = examples.count
    run(entry, of: model, inputs: inputs, outputs: [output.name], context: context) { result in
      completion(
        result.flatMap { answer in
          do throws(TensorFlowStatus) {
            guard let tensor = answer.outputs[entry.outputNames[output.name] ?? output.name] else {
              throw TensorFlowStatus(.internalError, "The model gave no output \(output.name)")
            }
            let result =
              switch method {
              case .classify: try Self.classification(tensor, count: count, labels: entry.labels)
              case .regress: try Self.regression(tensor, count: count)
              }
            return .success(Inference(result: result, exits: answer.exits))
          } catch { return .failure(error) }
        })
    }
  }

  /// One task of a MultiInference call.
  public struct InferenceTask: Sendable {
    public var spec: ModelSpec?
    public var methodName: String

    public init(spec: ModelSpec?, methodName: String) {
      self.spec = spec
      self.methodName = methodName
    }
  }

  /// Runs several signatures of one model on the same examples.
  ///
  /// - Parameter completion: gets the results in the order of the tasks, or the error of the first that failed.
  public func multiInfer(
    _ tasks: [InferenceTask], examples: [any ExampleFeatures], context: CallContext,
    completion: @escaping @Sendable (Result<[(spec: ModelSpec, inference: Inference)], TensorFlowStatus>) -> Void
  ) {
    do throws(TensorFlowStatus) {
      // Without tasks there is no model named, which is what TensorFlow-Serving says, too.
      let model = try model(tasks.first.map { $0.spec ?? ModelSpec() } ?? ModelSpec())
      let plan = try plan(tasks, of: model)
      guard !examples.isEmpty else { throw .invalid("Input is empty.") }
      let gathering = Gathering<Inference>(count: plan.count) { result in
        completion(
          result.map { inferences in
            zip(plan, inferences).map { task, inference in
              (self.answerSpec(task.spec, model: model, signature: task.entry.signature.name), inference)
            }
          })
      }
      for (index, task) in plan.enumerated() {
        do throws(TensorFlowStatus) {
          try infer(task.method, task.entry, of: model, examples: examples, context: context) {
            gathering.receive($0, at: index)
          }
        } catch {
          gathering.receive(.failure(error), at: index)
        }
      }
    } catch {
      completion(.failure(error))
    }
  }

  private func plan(
    _ tasks: [InferenceTask], of model: ServedModel
  ) throws(TensorFlowStatus) -> [(spec: ModelSpec?, method: Method, entry: SignatureMap.Entry)] {
    var names: Set<String> = []
    var plan: [(spec: ModelSpec?, method: Method, entry: SignatureMap.Entry)] = []
    for task in tasks {
      guard let spec = task.spec, !spec.name.isEmpty else { throw .invalid("ModelSpec has no name specified.") }
      guard spec.name == model.id.name else {
        throw .invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
      }
      let name = spec.signatureName.isEmpty ? Signature.defaultName : spec.signatureName
      guard names.insert(name).inserted else { throw .invalid("Duplicate evaluation of signature: \(name)") }
      guard let entry = model.signatures[name] else {
        throw .invalid("Requested signature not found in model graph: \(name)")
      }
      guard let method = Method(rawValue: task.methodName) else {
        throw TensorFlowStatus(.unimplemented, "Unsupported signature method_name: \(task.methodName)")
      }
      plan.append((task.spec, method, entry))
    }
    return plan
  }

  // MARK: Outputs

  private static func scores(of entry: SignatureMap.Entry) throws(TensorFlowStatus) -> TensorSpec {
    let outputs = entry.signature.outputs
    if let scores = outputs.first(where: { $0.name == "scores" }) ?? (outputs.count == 1 ? outputs[0] : nil) {
      guard scores.type == .float32 else {
        throw .invalid("Expected scores Tensor of DT_FLOAT. Got: \(scores.type.tensorFlowType.enumerator)")
      }
      return scores
    }
    if let classes = outputs.first(where: { $0.name == "classes" }) {
      throw .invalid("Expected classes Tensor of DT_STRING. Got: \(classes.type.tensorFlowType.enumerator)")
    }
    throw .invalid(
      "Expected classification signature outputs to contain at least one of \"classes\" or \"scores\". Signature was: "
        + "\(entry.signature.name)")
  }

  private static func regressionOutput(of entry: SignatureMap.Entry) throws(TensorFlowStatus) -> TensorSpec {
    let outputs = entry.signature.outputs
    guard let output = outputs.first(where: { $0.name == "outputs" }) ?? (outputs.count == 1 ? outputs[0] : nil) else {
      throw .invalid("No regression outputs found in SignatureDef: \(entry.signature.name)")
    }
    guard output.type == .float32 else {
      throw .invalid("Expected output Tensor of DT_FLOAT.  Got: \(output.type.tensorFlowType.enumerator)")
    }
    return output
  }

  private static func classification(
    _ scores: Tensor, count: Int, labels: [String]
  ) throws(TensorFlowStatus) -> InferenceResult {
    guard scores.shape.count == 2 else {
      throw .invalid("Expected scores Tensor shape to be [batch_size num_classes]. Got: \(scores.shape)")
    }
    guard scores.shape[0] == count else {
      throw .invalid("Expected scores output batch size of \(count). Got: \(scores.shape[0])")
    }
    let classes = scores.shape[1]
    let floats = scores.floats
    return .classification(
      (0..<count).map { item in
        (0..<classes).map { index in
          // Without labels for all of them, none: a label must not name another class.
          InferenceResult.ClassScore(
            label: labels.count == classes ? labels[index] : "", score: floats[item * classes + index])
        }
      })
  }

  private static func regression(_ output: Tensor, count: Int) throws(TensorFlowStatus) -> InferenceResult {
    guard output.shape.count == 1 || (output.shape.count == 2 && output.shape[1] == 1) else {
      throw .invalid(
        "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got \(output.shape)")
    }
    guard output.shape[0] == count else {
      throw .invalid("Input batch size did not match output batch size: \(count) vs. \(output.shape[0])")
    }
    return .regression(output.floats)
  }
}
