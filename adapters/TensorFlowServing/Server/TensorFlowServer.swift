import Dispatch
import ModelGraph
import NIOCore
import NIOPosix
import OpenCLRuntime
import RPC
import Serving
import Synchronization
import Wire

/// A server in the place of `tensorflow_model_server`: a repository of models behind gRPC and REST.
///
/// What a version's files become is the loader's business.
public final class TensorFlowServer: Sendable {
  public let repository: ModelRepository
  public let service: InferenceService
  private let health: HealthReporter
  private let grpc: Server
  private let rest: RESTServer?
  private let upstream: Upstream?
  private let shadow: Shadow?
  private let configFile: ModelConfigFile?
  private let group: MultiThreadedEventLoopGroup
  private let isDraining: DrainingMark

  private init(
    _ parts: Parts, grpc: Server, rest: RESTServer?, upstream: Upstream?, shadow: Shadow?,
    configFile: ModelConfigFile?, group: MultiThreadedEventLoopGroup
  ) {
    repository = parts.repository
    service = parts.service
    health = parts.health
    isDraining = parts.isDraining
    self.grpc = grpc
    self.rest = rest
    self.upstream = upstream
    self.shadow = shadow
    self.configFile = configFile
    self.group = group
  }

  /// Where it listens, with the ports that the system chose.
  public var grpcEndpoints: [Endpoint] { grpc.endpoints }
  public var restEndpoints: [Endpoint] { rest?.endpoints ?? [] }

  public var isReady: Bool { !isDraining.isSet && repository.isReady }

  // MARK: Start

  /// Loads the models, then listens. As TensorFlow Serving does, it waits for a model whose directory has no versions
  /// yet, and gives up when one cannot be loaded.
  ///
  /// - Parameters:
  ///   - metrics: told what happens; they are in `registry`.
  ///   - log: takes one line at a time, from any thread.
  public static func start(
    _ configuration: ServerConfiguration, loader: any ServableLoader, registry: MetricsRegistry,
    metrics: ServingMetrics, log: @escaping @Sendable (String) -> Void
  ) async throws(ServerStartError) -> TensorFlowServer {
    let parts = Parts(configuration, loader: loader, registry: registry, metrics: metrics, log: log)
    do throws(ServerStartError) {
      try await parts.waitForModels(configuration.models, isPolling: configuration.options.fileSystemPollSeconds > 0)
      return try await listen(parts, configuration, log)
    } catch {
      await parts.shutDownRepository()
      throw error
    }
  }

  private static func listen(
    _ parts: Parts, _ configuration: ServerConfiguration, _ log: @escaping @Sendable (String) -> Void
  ) async throws(ServerStartError) -> TensorFlowServer {
    let options = configuration.options
    let group = MultiThreadedEventLoopGroup(numberOfThreads: options.eventLoops)
    // Answers that leave early must not wait until the model's threads let go of a core.
    for loop in group.makeIterator() { loop.execute { ProcessorThreads.runsWhenWoken() } }
    let upstream = configuration.upstream.map { Upstream($0) }
    let shadow = parts.shadow(configuration, group)
    do throws(RPCError) {
      let grpc = try await Server.start(
        on: configuration.grpc, router: try parts.router(configuration, upstream, shadow), tls: configuration.tls,
        limits: configuration.limits, group: group)
      for endpoint in grpc.endpoints { log("Running gRPC ModelServer at \(endpoint) ...") }
      let rest: RESTServer?
      do throws(RPCError) { rest = try await startREST(parts, configuration, shadow, group) } catch {
        await grpc.drain(within: .zero)
        throw error
      }
      for endpoint in rest?.endpoints ?? [] { log("Exporting HTTP/REST API at:\(endpoint) ...") }
      parts.health.tellOfServer(isReady: parts.repository.isReady)
      return TensorFlowServer(
        parts, grpc: grpc, rest: rest, upstream: upstream, shadow: shadow, configFile: parts.configFile(options, log),
        group: group)
    } catch {
      await upstream?.shutDown()
      await shadow?.shutDown()
      try? await group.shutdownGracefully()
      throw .network(error)
    }
  }

  private static func startREST(
    _ parts: Parts, _ configuration: ServerConfiguration, _ shadow: Shadow?, _ group: MultiThreadedEventLoopGroup
  ) async throws(RPCError) -> RESTServer? {
    guard var endpoint = configuration.rest.first else { return nil }
    var others = configuration.rest.dropFirst()
    while true {
      do throws(RPCError) {
        return try await RESTServer.start(
          on: [endpoint], service: parts.service, options: parts.restOptions(configuration, shadow),
          upstream: configuration.upstreamREST, workerThreads: min(64, configuration.options.restAPIThreads ?? 2),
          group: group)
      } catch {
        guard let next = others.popFirst() else { throw error }
        endpoint = next
      }
    }
  }

  // MARK: End

  /// Tells everybody that it is not ready any more, lets calls under way finish, and unloads the models.
  ///
  /// - Parameter limit: after which connections are cut.
  /// - Returns: how many had to be cut.
  @discardableResult
  public func stop(within limit: Duration) async -> Int {
    isDraining.set()
    configFile?.stop()
    async let restCut = rest?.drain(within: limit) ?? 0
    let grpcCut = await grpc.drain(within: limit)
    let cut = await restCut + grpcCut
    await upstream?.shutDown()
    await shadow?.shutDown()
    await Parts.shutDown(repository)
    try? await group.shutdownGracefully()
    return cut
  }
}

/// Set once.
final class DrainingMark: Sendable {
  private let value = Atomic(false)
  var isSet: Bool { value.load(ordering: .relaxed) }
  func set() { value.store(true, ordering: .relaxed) }
}

extension ServeOptions {
  /// Event loops for connections: they only read, decode and write, so that more than processors do not help.
  fileprivate var eventLoops: Int { max(1, min(grpcMaxThreads ?? .max, System.coreCount)) }
}

/// What stands behind the sockets.
private struct Parts: Sendable {
  let repository: ModelRepository
  let service: InferenceService
  let health: HealthReporter
  let isDraining = DrainingMark()
  private let registry: MetricsRegistry
  private let metrics: ServingMetrics
  private let log: @Sendable (String) -> Void

  init(
    _ configuration: ServerConfiguration, loader: any ServableLoader, registry: MetricsRegistry,
    metrics: ServingMetrics, log: @escaping @Sendable (String) -> Void
  ) {
    self.registry = registry
    self.metrics = metrics
    self.log = log
    let options = configuration.options
    let rules = BatchingRules(configuration)
    let health = HealthReporter(service: HealthService())
    self.health = health
    let watched = WatchedRepository()
    repository = ModelRepository(
      loader: loader, options: configuration.repositoryOptions,
      warmUp: { model, files in
        try rules.read(files, of: model.id)
        if options.enablesWarmup { try Self.warmUp(model, files, options, metrics) }
      },
      onEvent: { event in
        log("\(event)")
        metrics.repository(event)
        if case .unloaded(let id) = event { rules.forget(id) }
        if let repository = watched.repository { health.update(event, in: repository) }
      })
    watched.watch(repository)
    var scheduling = RequestScheduler.Options()
    scheduling.threads = configuration.batching?.numBatchThreads ?? System.coreCount
    scheduling.batching = { rules.options(for: $0) }
    let threadPool = configuration.batching?.threadPoolName ?? "batch_threads"
    scheduling.onBatch = { metrics.batch($0, threadPool: threadPool) }
    service = InferenceService(
      source: repository, scheduler: RequestScheduler(scheduling),
      checksMethodNames: options.checksSignatureMethodName)
  }

  private static func warmUp(
    _ model: ServedModel, _ files: VersionFiles, _ options: ServeOptions, _ metrics: ServingMetrics
  ) throws(TensorFlowStatus) {
    guard let path = files.warmup else { return }
    let start = ContinuousClock.now
    do throws(TensorFlowStatus) {
      let records = try WarmupFile.replay(path: path, on: model, iterations: options.warmupIterations)
      metrics.warmedUp(path: files.directory, status: "OK", records: records, took: ContinuousClock.now - start)
    } catch {
      metrics.warmedUp(
        path: files.directory, status: error.code.name, records: 0, took: ContinuousClock.now - start)
      throw error
    }
  }

  /// Blocks its caller, but no thread, until every model has an available version.
  func waitForModels(_ models: [ModelConfiguration], isPolling: Bool) async throws(ServerStartError) {
    while true {
      let result = await withCheckedContinuation { continuation in
        repository.reload(models) { continuation.resume(returning: $0) }
      }
      switch result {
      case .success: return
      case .failure(.timedOut): log("the models are not all available yet; waiting")
      case .failure(let error):
        guard isPolling, case .notAvailable(let reasons) = error, reasons.keys.allSatisfy(hasNoVersions) else {
          throw .models(TensorFlowStatus(error))
        }
        // The repository has said so already. A version may be copied there at any time.
        do { try await Task.sleep(for: .seconds(1)) } catch {
          throw .models(TensorFlowStatus(ReloadError.shuttingDown))
        }
      }
    }
  }

  private func hasNoVersions(_ model: String) -> Bool {
    (try? repository.versionStates(of: model, version: nil)) == nil
  }

  func shadow(_ configuration: ServerConfiguration, _ group: MultiThreadedEventLoopGroup) -> Shadow? {
    guard configuration.options.shadowFraction > 0 else { return nil }
    return Shadow(
      fraction: configuration.options.shadowFraction, grpc: configuration.upstream, rest: configuration.upstreamREST,
      metrics: metrics, group: group, log: log)
  }

  func router(_ configuration: ServerConfiguration, _ upstream: Upstream?, _ shadow: Shadow?) throws(RPCError) -> Router
  {
    var router = Router()
    let options = configuration.options
    let (registry, metrics) = (registry, metrics)
    GRPCServices(
      service, encoding: options.serializesAsTensorContent ? .content : .typedValues,
      counters: { ServingMetrics.counters(of: registry) }, upstream: upstream,
      shadow: shadow, report: { metrics.grpcCall($0) }
    ).add(to: &router)
    var names = GRPCServices.names
    if options.enablesHealthService {
      health.service.add(to: &router)
      names.append("grpc.health.v1.Health")
    }
    try ReflectionService(fileDescriptorSet: ServiceDescriptors.fileDescriptorSet, services: names).add(to: &router)
    router.fallback = upstream
    return router
  }

  func restOptions(_ configuration: ServerConfiguration, _ shadow: Shadow?) -> RESTOptions {
    let (repository, isDraining) = (repository, isDraining)
    var options = RESTOptions()
    options.timeout = .milliseconds(configuration.options.restAPITimeoutMilliseconds)
    options.enablesCORS = configuration.options.enablesCORS
    options.metricsPath = configuration.monitoring.isPrometheusEnabled ? configuration.monitoring.prometheusPath : nil
    options.registry = registry
    options.metrics = metrics
    options.shadow = shadow
    options.modelNames = { repository.configurations.map(\.name) }
    options.isReady = { !isDraining.isSet && repository.isReady }
    return options
  }

  /// Reads the list of models again and again, if that is wanted.
  func configFile(_ options: ServeOptions, _ log: @escaping @Sendable (String) -> Void) -> ModelConfigFile? {
    guard !options.modelConfigFile.isEmpty, options.modelConfigFilePollSeconds > 0 else { return nil }
    let file = ModelConfigFile(path: options.modelConfigFile, source: repository) { log("\($0)") }
    file.poll(every: .seconds(options.modelConfigFilePollSeconds))
    return file
  }

  func shutDownRepository() async { await Self.shutDown(repository) }

  /// Blocks a thread of its own, and not one of the tasks'.
  static func shutDown(_ repository: ModelRepository) async {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        repository.shutDown(timeout: .seconds(10))
        continuation.resume()
      }
    }
  }
}

/// A repository, for its own events, which may come when it is there and not before.
private final class WatchedRepository: Sendable {
  private struct Reference: Sendable { weak var repository: ModelRepository? }
  /// Guards the reference.
  private let reference = Mutex(Reference())

  var repository: ModelRepository? { reference.withLock { $0.repository } }
  func watch(_ repository: ModelRepository) { reference.withLock { $0.repository = repository } }
}
