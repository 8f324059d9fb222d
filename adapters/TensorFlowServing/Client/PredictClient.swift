import ModelGraph
import NIOCore
import RPC
import Wire

/// Asks a server for predictions over gRPC, TensorFlow-Serving's or ours. Thread-safe; any number of calls at a time.
public final class PredictClient: Sendable {
  public struct Answer: Sendable {
    /// By alias.
    public let outputs: [String: Tensor]
    public let modelSpec: ModelSpec?
    /// What ``ExitSummary`` says; `nil` from a server that has no exits.
    public let exits: String?
  }

  private let client: Client

  /// - Parameter connections: to spread calls over.
  public init(_ endpoint: Endpoint, connections: Int = 1, tls: ClientTLS? = nil, group: any EventLoopGroup) {
    client = Client(endpoint, connections: connections, tls: tls, group: group)
  }

  /// - Parameters:
  ///   - isExact: whether the answer must be the model's own.
  ///   - timeout: also told to the server.
  ///   - completion: called once, on an event loop that it must not block.
  public func predict(
    _ inputs: [String: Tensor], of model: ModelSpec, isExact: Bool = false, timeout: Duration = .seconds(60),
    completion: @escaping @Sendable (Result<Answer, Status>) -> Void
  ) {
    let request = PredictRequestMessage.encoded(
      modelSpec: model, inputs: inputs.sorted { $0.key < $1.key }.map { ($0.key, TensorValue($0.value)) })
    client.call(
      "/\(PredictionService.name)/Predict", ByteBuffer(request),
      metadata: isExact ? [ExitSummary.exactKey: "1"] : [:], timeout: timeout
    ) { result in
      completion(result.flatMap { response in Result { () throws(Status) in try Answer(response) } })
    }
  }

  public func predict(
    _ inputs: [String: Tensor], of model: ModelSpec, isExact: Bool = false, timeout: Duration = .seconds(60)
  ) async throws(Status) -> Answer {
    let result = await withCheckedContinuation { continuation in
      predict(inputs, of: model, isExact: isExact, timeout: timeout) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  public func shutDown() async { await client.shutDown() }
}

extension PredictResponseMessage {
  /// What an answer says; tensors of types that no model here has are left out.
  static func outputs(of answer: ByteBuffer) throws(WireError) -> (spec: ModelSpec?, [String: Tensor]) {
    let owner = ByteBufferOwner(answer)
    let message = try owner.withUnsafeBytes { (bytes) throws(WireError) in try Self(reading: bytes) }
    var outputs: [String: Tensor] = [:]
    for (name, sent) in zip(message.outputs.names, message.outputs.tensors) {
      if case .tensor(let tensor) = try SentTensor(sent, in: owner) { outputs[name] = tensor }
    }
    return (message.modelSpec, outputs)
  }
}

extension PredictClient.Answer {
  fileprivate init(_ response: Client.Response) throws(Status) {
    do throws(WireError) {
      let (spec, outputs) = try PredictResponseMessage.outputs(of: response.message)
      self.init(outputs: outputs, modelSpec: spec, exits: response.metadata[ExitSummary.metadataKey])
    } catch {
      throw Status(.internalError, "the answer is no PredictResponse: \(error)")
    }
  }
}
