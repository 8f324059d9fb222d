import EarlyExit
import ModelGraph
import Serving
import Wire

/// `tensorflow.serving.PredictionService`: request bytes to response bytes. Thread-safe; nothing blocks, and `completion`
/// is called once, from any thread.
public struct PredictionService: Sendable {
  public static let name = "tensorflow.serving.PredictionService"

  private let service: InferenceService
  private let encoding: TensorEncoding

  /// - Parameter encoding: of answers. TensorFlow-Serving's default is typed values, and clients read those directly;
  ///   `--enable_serialization_as_tensor_content` changes it.
  public init(_ service: InferenceService, encoding: TensorEncoding = .typedValues) {
    self.service = service
    self.encoding = encoding
  }

  /// - Parameter request: lives until the answer is there: tensors are read where they are.
  public func predict(_ request: any ByteOwner, _ context: CallContext, completion: @escaping ServiceCompletion) {
    do throws(TensorFlowStatus) {
      let message = try read(request, "PredictRequest") { (bytes) throws(WireError) in
        try PredictRequestMessage(reading: bytes)
      }
      let model = try service.model(message.modelSpec)
      let entry = try service.predictSignature(message.modelSpec?.signatureName ?? "", of: model)
      let spec = service.answerSpec(message.modelSpec, model: model, signature: entry.signature.name)
      let (inputs, encoding) = (message.inputs, encoding)
      service.predict(
        entry, of: model, sent: inputs.names,
        decode: { (name) throws(TensorFlowStatus) in try SentTensor(input: name, of: inputs, in: request) },
        outputFilter: message.outputFilter, context: context
      ) { result in
        completion(
          result.map { prediction in
            ServiceReply(
              message: PredictResponseMessage.encoded(
                modelSpec: spec, outputs: prediction.outputs.map { ($0.name, TensorValue($0.tensor)) },
                encoding: encoding),
              metadata: Self.metadata(prediction.exits), items: prediction.exits.count)
          })
      }
    } catch {
      completion(.failure(error))
    }
  }

  public func classify(_ request: any ByteOwner, _ context: CallContext, completion: @escaping ServiceCompletion) {
    infer(.classify, request, "ClassificationRequest", context, completion: completion)
  }

  public func regress(_ request: any ByteOwner, _ context: CallContext, completion: @escaping ServiceCompletion) {
    infer(.regress, request, "RegressionRequest", context, completion: completion)
  }

  private func infer(
    _ method: InferenceService.Method, _ request: any ByteOwner, _ name: String, _ context: CallContext,
    completion: @escaping ServiceCompletion
  ) {
    do throws(TensorFlowStatus) {
      let message = try read(request, name) { (bytes) throws(WireError) in try InferenceRequestMessage(reading: bytes) }
      let model = try service.model(message.modelSpec)
      let signature = message.modelSpec?.signatureName ?? ""
      let spec = service.answerSpec(
        message.modelSpec, model: model, signature: signature.isEmpty ? Signature.defaultName : signature)
      service.infer(
        method, signature: signature.isEmpty ? Signature.defaultName : signature, of: model,
        examples: message.input.examples(in: request), context: context
      ) { result in
        completion(
          result.map { inference in
            ServiceReply(
              message: inference.result.encoded(modelSpec: spec), metadata: Self.metadata(inference.exits),
              items: inference.exits.count)
          })
      }
    } catch {
      completion(.failure(error))
    }
  }

  public func multiInference(
    _ request: any ByteOwner, _ context: CallContext, completion: @escaping ServiceCompletion
  ) {
    do throws(TensorFlowStatus) {
      let message = try read(request, "MultiInferenceRequest") { (bytes) throws(WireError) in
        try MultiInferenceRequestMessage(reading: bytes)
      }
      service.multiInfer(
        message.tasks.map { .init(spec: $0.modelSpec, methodName: $0.methodName) },
        examples: message.input.examples(in: request), context: context
      ) { result in
        completion(
          result.map { results in
            ServiceReply(
              message: InferenceResult.encoded(results.map { ($0.spec, $0.inference.result) }),
              metadata: Self.metadata(results.first?.inference.exits ?? []),
              items: results.first?.inference.exits.count ?? 0)
          })
      }
    } catch {
      completion(.failure(error))
    }
  }

  public func getModelMetadata(_ request: any ByteOwner) throws(TensorFlowStatus) -> ServiceReply {
    let message = try read(request, "GetModelMetadataRequest") { (bytes) throws(WireError) in
      try GetModelMetadataRequestMessage(reading: bytes)
    }
    let (spec, signatures) = try service.metadata(message.modelSpec, fields: message.metadataFields)
    return ServiceReply(message: GetModelMetadataResponseMessage.encoded(modelSpec: spec, signatures: signatures))
  }

  private static func metadata(_ exits: [ExitPosition]) -> [(name: String, value: String)] {
    ExitSummary.text(exits).map { [(ExitSummary.metadataKey, $0)] } ?? []
  }
}

/// Reads a request, or says which message it is not.
func read<Message>(
  _ request: any ByteOwner, _ name: String,
  _ body: (UnsafeRawBufferPointer) throws(WireError) -> Message
) throws(TensorFlowStatus) -> Message {
  do throws(WireError) { return try request.withUnsafeBytes(body) } catch {
    throw TensorFlowStatus(unreadable: "tensorflow.serving.\(name)", error)
  }
}
