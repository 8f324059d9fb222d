import EarlyExit
import ModelGraph
import NIOCore
import NIOHTTP1
import NIOPosix
import Serving
import Wire

/// Answers requests: finds out what they ask for, reads JSON, asks the ``InferenceService``, writes JSON.
///
/// Called on event loops; what takes long (large bodies) runs on `workers`.
final class RESTHandler: Sendable {
  private let service: InferenceService
  private let options: RESTOptions
  private let limits: RESTLimits
  private let workers: NIOThreadPool
  private let upstream: RESTUpstream?

  init(
    service: InferenceService, options: RESTOptions, limits: RESTLimits, workers: NIOThreadPool, upstream: RESTUpstream?
  ) {
    self.service = service
    self.options = options
    self.limits = limits
    self.workers = workers
    self.upstream = upstream
  }

  func handle(_ call: RESTCall) {
    let route = RESTRoute(call.head.method, uri: call.head.uri, metricsPath: options.metricsPath)
    if let upstream, let name = route.modelName, !isManaged(name) { return upstream.forward(call) }
    switch route {
    case .call(let method, let spec): start(method, spec, call)
    case .status(let spec):
      answer(call, model: spec.name, api: "status") { () throws(TensorFlowStatus) in
        AnswerJSON.status(try self.service.versionStates(spec))
      }
    case .metadata(let spec):
      answer(call, model: spec.name, api: "metadata") { () throws(TensorFlowStatus) in
        let metadata = try self.service.metadata(spec, fields: ["signature_def"])
        return AnswerJSON.metadata(metadata.spec, metadata.signatures)
      }
    case .models:
      answer(call, model: "", api: "models") { () throws(TensorFlowStatus) in
        AnswerJSON.models(
          self.options.modelNames().map { ($0, (try? self.service.source.versionStates(of: $0, version: nil)) ?? []) })
      }
    case .health: call.respond(RESTResponse(.ok, contentType: "text/plain", text: "ok\n"))
    case .readiness:
      let isReady = options.isReady()
      call.respond(
        RESTResponse(
          isReady ? .ok : .serviceUnavailable, contentType: "text/plain", text: isReady ? "ready\n" : "not ready\n"))
    case .metrics:
      call.respond(
        RESTResponse(.ok, contentType: "text/plain", text: options.registry?.prometheusText() ?? ""))
    case .wrongMetricsPath(let expected):
      call.respond(
        RESTResponse(
          .badRequest, contentType: "text/plain", text: "Unexpected path: \(call.head.uri). Should be \(expected)"))
    case .preflight:
      let origin = call.head.headers.first(name: "origin") ?? ""
      let isWeb = origin.contains("http://") || origin.contains("https://")
      call.respond(RESTResponse(isWeb ? .ok : .badRequest, []))
    case .badVersion(let digits):
      fail(call, .invalid("Failed to convert version: \(digits) to numeric."), model: "", api: "")
    case .malformed:
      fail(
        call, .invalid("Malformed request: \(call.head.method.rawValue) \(call.head.uri.prefix { $0 != "?" })"),
        model: "", api: "")
    case .unknown:
      call.respond(
        RESTResponse(
          .notFound, contentType: "text/html",
          text: """
            <HTML><HEAD>
            <TITLE>404 Not Found</TITLE>
            </HEAD><BODY>
            <H1>Not Found</H1>
            </BODY></HTML>

            """))
    }
  }

  /// Whether a model is, or was, ours to serve.
  private func isManaged(_ name: String) -> Bool {
    (try? service.source.versionStates(of: name, version: nil)) != nil || options.modelNames().contains(name)
  }

  // MARK: Quick answers

  private func answer(
    _ call: RESTCall, model: String, api: String, _ body: @Sendable () throws(TensorFlowStatus) -> [UInt8]
  ) {
    do throws(TensorFlowStatus) {
      succeed(call, RESTResponse(.ok, try body()), model: model, api: api)
    } catch {
      fail(call, error, model: model, api: api)
    }
  }

  private func succeed(_ call: RESTCall, _ response: RESTResponse, model: String, api: String) {
    call.respond(response)
    count(call, model: model, api: api, status: .ok)
  }

  private func fail(_ call: RESTCall, _ error: TensorFlowStatus, model: String, api: String) {
    call.respond(RESTResponse(error))
    count(call, model: model, api: api, status: error.code)
  }

  private func count(_ call: RESTCall, model: String, api: String, status: TensorFlowStatus.Code) {
    let took = NIODeadline.now() - call.started
    options.metrics?.request(
      model: model, api: api, entrypoint: .rest, status: status.name, took: .nanoseconds(took.nanoseconds))
  }

  // MARK: Inference

  private func start(_ method: RESTRoute.Method, _ spec: ModelSpec, _ call: RESTCall) {
    let timeout = options.timeout
    // The scheduler lets go of what has not begun by then; a batch that runs is not waited for any longer either.
    let timer = call.eventLoop.scheduleTask(in: .nanoseconds(timeout.nanoseconds)) { [weak call] in
      guard let call, call.isOpen else { return }
      self.fail(
        call, TensorFlowStatus(.deadlineExceeded, "Deadline exceeded after \(timeout)"), model: spec.name,
        api: method.rawValue)
    }
    let context = CallContext(
      isExact: call.head.headers.first(name: ExitSummary.exactKey) == "1", deadline: ContinuousClock.now + timeout,
      isAbandoned: { [weak call] in !(call?.isOpen ?? false) })
    let run: @Sendable () -> Void = {
      do throws(TensorFlowStatus) {
        let body = try self.plainBody(call)
        switch method {
        case .predict: try self.predict(body, spec, context, call, timer)
        case .classify, .regress: try self.infer(method, body, spec, context, call, timer)
        }
      } catch {
        timer.cancel()
        self.fail(call, error, model: spec.name, api: method.rawValue)
      }
    }
    if call.body.readableBytes <= limits.inlineBytes { run() } else { offLoop(run) }
  }

  private func offLoop(_ body: @escaping @Sendable () -> Void) {
    workers.submit { state in
      // Without threads any more the call is let go, which answers it.
      if case .active = state { body() }
    }
  }

  private func plainBody(_ call: RESTCall) throws(TensorFlowStatus) -> ByteBuffer {
    guard let encoding = call.head.headers.first(name: "content-encoding")?.lowercased(), encoding == "gzip" else {
      return call.body
    }
    return try GzipBody.inflated(call.body, limit: limits.inflatedBodyBytes)
  }

  private func predict(
    _ body: ByteBuffer, _ spec: ModelSpec, _ context: CallContext, _ call: RESTCall, _ timer: Scheduled<Void>
  ) throws(TensorFlowStatus) {
    let request = try PredictJSON(body)
    let model = try service.model(spec)
    guard let entry = model.signatures[request.signatureName] else {
      throw .invalid("Serving signature name: \"\(request.signatureName)\" not found in signature def")
    }
    let (format, tensors) = try request.inputs(entry.signature.inputs)
    let items = tensors.values.first?.shape.first ?? 1
    let started = ContinuousClock.now
    service.predict(
      entry, of: model, sent: Array(tensors.keys),
      decode: { (name) throws(TensorFlowStatus) in
        guard let tensor = tensors[name] else { throw .invalid("tensor parsing error: \(name)") }
        return .tensor(tensor)
      }, context: context
    ) { [self] result in
      timer.cancel()
      let took = ContinuousClock.now - started
      finish(call, model: spec.name, api: "predict", items: items, took: took, result.map { $0.exits }) {
        () throws(TensorFlowStatus) in
        try AnswerJSON.prediction(try result.get().outputs, format)
      }
    }
  }

  private func infer(
    _ method: RESTRoute.Method, _ body: ByteBuffer, _ spec: ModelSpec, _ context: CallContext, _ call: RESTCall,
    _ timer: Scheduled<Void>
  ) throws(TensorFlowStatus) {
    let request = try ExamplesJSON(body)
    let model = try service.model(spec)
    let signature = request.signatureName.isEmpty ? Signature.defaultName : request.signatureName
    let items = request.examples.count
    let started = ContinuousClock.now
    service.infer(
      method == .classify ? .classify : .regress, signature: signature, of: model, examples: request.examples,
      context: context
    ) { [self] result in
      timer.cancel()
      let took = ContinuousClock.now - started
      finish(call, model: spec.name, api: method.rawValue, items: items, took: took, result.map { $0.exits }) {
        () throws(TensorFlowStatus) in
        try AnswerJSON.inference(try result.get().result)
      }
    }
  }

  /// An answer has come from the model, on a thread of the engine's, which must not be held up: the rest is done on the
  /// call's event loop, or, when there is much to write, on a worker.
  private func finish(
    _ call: RESTCall, model: String, api: String, items: Int, took: Duration,
    _ exits: Result<[ExitPosition], TensorFlowStatus>,
    body: @escaping @Sendable () throws(TensorFlowStatus) -> [UInt8]
  ) {
    let write: @Sendable () -> Void = { [self] in
      guard call.isOpen else { return }
      do throws(TensorFlowStatus) {
        var response = RESTResponse(.ok, try body())
        if let exits = ExitSummary.text(try exits.get()) {
          response.headers.add(name: ExitSummary.metadataKey, value: exits)
        }
        options.metrics?.ran(model: model, api: api, items: items, took: took)
        succeed(call, response, model: model, api: api)
        if api == "predict" { options.shadow?.follow(call, of: model, answer: response.body) }
      } catch {
        fail(call, error, model: model, api: api)
      }
    }
    if items * 64 <= limits.inlineBytes { call.eventLoop.execute(write) } else { offLoop(write) }
  }
}
