import Dispatch
import Serving
import Synchronization
import Wire

/// `assets.extra/tf_serving_warmup_requests`: recorded requests that are replayed before a version answers others.
///
/// Of a record's model only the signature's name counts. As TensorFlow-Serving does it, one request that fails is enough
/// for the version not to be served.
public enum WarmupFile {
  public static let recordLimit = 1000

  /// Replays the file and returns when everything is answered. Blocks; for load threads.
  ///
  /// - Parameters:
  ///   - iterations: how many times each request is replayed.
  ///   - timeLimit: for each request.
  /// - Returns: how many records there are.
  @discardableResult
  public static func replay(
    path: String, on model: ServedModel, iterations: Int = 1, timeLimit: Duration = .seconds(60)
  ) throws(TensorFlowStatus) -> Int {
    let requests = try read(path: path)
    let service = InferenceService(source: OneModel(model), scheduler: RequestScheduler())
    for request in requests {
      for _ in 0..<max(1, iterations) { try request.run(on: model, with: service, timeLimit: timeLimit) }
    }
    return requests.count
  }

  struct Request {
    let owner: any ByteOwner
    let log: PredictionLogMessage
  }

  static func read(path: String) throws(TensorFlowStatus) -> [Request] {
    let file: MemoryMappedFile
    do throws(WireError) { file = try MemoryMappedFile(path: path) } catch {
      throw TensorFlowStatus(.notFound, "\(error)")
    }
    var reader = TFRecordReader(file)
    var requests: [Request] = []
    while let record = try next(&reader, path: path) {
      guard requests.count < recordLimit else {
        throw TensorFlowStatus(
          .invalidArgument, "Number of warmup records exceeds the maximum (\(recordLimit)) at \(path)")
      }
      do throws(WireError) {
        let log = try file.withUnsafeBytes { (bytes) throws(WireError) in
          try PredictionLogMessage(reading: bytes, range: record)
        }
        requests.append(Request(owner: file, log: log))
      } catch {
        throw TensorFlowStatus(.invalidArgument, "Failed to parse warmup record: \(error) at \(path)")
      }
    }
    return requests
  }

  private static func next(
    _ reader: inout TFRecordReader, path: String
  ) throws(TensorFlowStatus) -> Range<Int>? {
    do throws(WireError) { return try reader.next() } catch {
      throw TensorFlowStatus(
        .dataLoss, "\(error) at \(path). Please verify your warmup data is in TFRecord format.")
    }
  }
}

extension WarmupFile.Request {
  fileprivate func run(
    on model: ServedModel, with service: InferenceService, timeLimit: Duration
  ) throws(TensorFlowStatus) {
    let context = CallContext(isExact: true)
    let outcome = Outcome()
    switch log {
    case .predict(let request):
      let entry = try service.predictSignature(request.modelSpec?.signatureName ?? "", of: model)
      service.predict(
        entry, of: model, sent: request.inputs.names,
        decode: { (name) throws(TensorFlowStatus) in try SentTensor(input: name, of: request.inputs, in: owner) },
        outputFilter: request.outputFilter, context: context
      ) { outcome.set($0.map { _ in }) }
    case .classify(let request), .regress(let request):
      let name = request.modelSpec?.signatureName ?? ""
      let method: InferenceService.Method = if case .classify = log { .classify } else { .regress }
      service.infer(
        method, signature: name.isEmpty ? Signature.defaultName : name, of: model,
        examples: request.input.examples(in: owner), context: context
      ) { outcome.set($0.map { _ in }) }
    case .multiInference(let request):
      let tasks = request.tasks.map { task in
        var spec = task.modelSpec ?? ModelSpec()
        spec.name = model.id.name
        spec.version = nil
        return InferenceService.InferenceTask(spec: spec, methodName: task.methodName)
      }
      service.multiInfer(tasks, examples: request.input.examples(in: owner), context: context) {
        outcome.set($0.map { _ in })
      }
    case .unsupported(let field):
      throw TensorFlowStatus(.unimplemented, "Unsupported log_type for warmup: \(field)")
    }
    try outcome.wait(timeLimit)
  }
}

/// The end of one request, waited for by a thread that may block.
private final class Outcome: Sendable {
  /// Guards what the request was told.
  private let result = Mutex<Result<Void, TensorFlowStatus>?>(nil)
  private let isThere = DispatchSemaphore(value: 0)

  func set(_ outcome: Result<Void, TensorFlowStatus>) {
    result.withLock { $0 = outcome }
    isThere.signal()
  }

  func wait(_ limit: Duration) throws(TensorFlowStatus) {
    let (seconds, attoseconds) = limit.components
    let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
    guard isThere.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success,
      let result = result.withLock({ $0 })
    else { throw TensorFlowStatus(.deadlineExceeded, "a warm-up request was not answered within \(limit)") }
    try result.get()
  }
}

/// A model that is not published yet, as the only one there is.
private final class OneModel: ServableSource {
  private let model: ServedModel

  init(_ model: ServedModel) { self.model = model }

  func model(named name: String, version: VersionChoice) throws(ServingError) -> ServedModel { model }

  func versionStates(of name: String, version: Int64?) throws(ServingError) -> [VersionState] {
    [VersionState(version: model.id.version, phase: .loading)]
  }

  func reload(_ models: [ModelConfiguration], completion: @escaping @Sendable (Result<Void, ReloadError>) -> Void) {
    completion(.failure(.shuttingDown))
  }
}
