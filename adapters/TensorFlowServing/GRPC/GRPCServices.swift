import EarlyExit
import NIOCore
import RPC
import Serving
import Wire

/// PredictionService and ModelService as handlers of an ``RPC/Server``.
///
/// Requests are read on the connection's event loop, in place and in microseconds; models run elsewhere, and answers are
/// encoded on the thread they come from.
public struct GRPCServices: Sendable {
  private let predictions: PredictionService
  private let models: ModelService
  /// Who answers for models that are not configured here; nil: nobody.
  private let upstream: Upstream?
  private let shadow: Shadow?
  private let source: any ServableSource
  private let report: @Sendable (CallReport) -> Void

  /// - Parameters:
  ///   - encoding: of tensors in answers.
  ///   - counters: the values of all counters by name, for ReloadConfigRequest's `metric_names`.
  ///   - upstream: a TensorFlow-Serving that has other models.
  ///   - shadow: whom to compare answers with.
  ///   - report: told the end of every call that is not forwarded, from any thread.
  public init(
    _ service: InferenceService, encoding: TensorEncoding = .typedValues,
    counters: @escaping @Sendable () -> [String: Int64] = { [:] }, upstream: Upstream? = nil, shadow: Shadow? = nil,
    report: @escaping @Sendable (CallReport) -> Void = { _ in }
  ) {
    predictions = PredictionService(service, encoding: encoding)
    models = ModelService(service, counters: counters)
    source = service.source
    self.upstream = upstream
    self.shadow = shadow
    self.report = report
  }

  /// The full names of the services, for reflection and health.
  public static let names = [PredictionService.name, ModelService.name]

  public func add(to router: inout Router) {
    add("Predict", of: PredictionService.name, to: &router) { $0.predictions.predict($1, $2, completion: $3) }
    add("Classify", of: PredictionService.name, to: &router) { $0.predictions.classify($1, $2, completion: $3) }
    add("Regress", of: PredictionService.name, to: &router) { $0.predictions.regress($1, $2, completion: $3) }
    add("MultiInference", of: PredictionService.name, to: &router) {
      $0.predictions.multiInference($1, $2, completion: $3)
    }
    add("GetModelMetadata", of: PredictionService.name, to: &router) { services, request, _, completion in
      completion(Result { () throws(TensorFlowStatus) in try services.predictions.getModelMetadata(request) })
    }
    add("GetModelStatus", of: ModelService.name, to: &router) { services, request, _, completion in
      completion(Result { () throws(TensorFlowStatus) in try services.models.getModelStatus(request) })
    }
    add("HandleReloadConfigRequest", of: ModelService.name, to: &router) { services, request, _, completion in
      services.models.handleReloadConfigRequest(request, completion: completion)
    }
  }

  private typealias Method =
    @Sendable (
      _ services: GRPCServices, _ request: any ByteOwner, _ context: CallContext,
      _ completion: @escaping ServiceCompletion
    ) -> Void

  private func add(_ name: String, of service: String, to router: inout Router, _ method: @escaping Method) {
    router.add("/\(service)/\(name)") { call in
      let start = ContinuousClock().now
      let request = ByteBufferOwner(call.message)
      let model = Self.modelName(in: request, method: name)
      if let upstream, !model.isEmpty, !isManaged(model) { return call.forward(to: upstream) }
      method(self, request, CallContext(call, at: start)) { result in
        let (code, items) = Self.answer(call, result)
        if let shadow, name == "Predict", case .success(let reply) = result {
          shadow.follow(call.message, of: model, answer: reply.message)
        }
        report(
          CallReport(
            method: name, model: model, code: code, items: items, took: start.duration(to: ContinuousClock().now)))
      }
    }
  }

  private func isManaged(_ model: String) -> Bool {
    (try? source.versionStates(of: model, version: nil)) != nil
  }

  /// All requests about one model begin with its `ModelSpec`, those of MultiInference inside of a task.
  private static func modelName(in request: any ByteOwner, method: String) -> String {
    if method == "HandleReloadConfigRequest" { return "" }
    let spec = try? request.withUnsafeBytes { bytes in
      try ModelSpec(firstIn: bytes, inside: method == "MultiInference" ? 2 : 1)
    }
    return spec?.name ?? ""
  }

  private static func answer(
    _ call: Call, _ result: Result<ServiceReply, TensorFlowStatus>
  ) -> (TensorFlowStatus.Code, items: Int) {
    switch result {
    case .success(let reply):
      var metadata = Metadata()
      for entry in reply.metadata { metadata.add(entry.name, entry.value) }
      call.respond(ByteBuffer(reply.message), metadata: metadata)
      return (.ok, reply.items)
    case .failure(let status):
      call.fail(Status(status))
      return (status.code, 0)
    }
  }
}

extension CallContext {
  fileprivate init(_ call: Call, at now: ContinuousClock.Instant) {
    self.init(
      isExact: call.metadata[ExitSummary.exactKey] == "1",
      deadline: call.deadline.map { now + .nanoseconds(($0 - .now()).nanoseconds) },
      isAbandoned: { !call.isOpen })
  }
}

extension Status {
  /// TensorFlow-Serving cuts the texts of gRPC errors here.
  private static let messageLimit = 1024

  init(_ status: TensorFlowStatus) {
    let text = status.message.utf8
    let message =
      text.count <= Self.messageLimit
      ? status.message : String(decoding: text.prefix(Self.messageLimit), as: UTF8.self) + "...TRUNCATED"
    self.init(status.code, message)
  }
}
