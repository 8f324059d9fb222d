import ClockworkAdapter
import Dispatch
import EarlyExit
import Foundation
import InferenceEngine
import OpenCLRuntime
import RPC
import Serving
import Synchronization
import TensorFlowServingAdapter

/// `apparate serve`: the faces of this process, over one set of engines.
public final class SidecarServer: Sendable {
  public let tensorFlow: TensorFlowServer
  public let engines: EngineStore
  public let registry: MetricsRegistry
  private let clockwork: WorkerServer?

  private init(tensorFlow: TensorFlowServer, engines: EngineStore, registry: MetricsRegistry, clockwork: WorkerServer?)
  {
    self.tensorFlow = tensorFlow
    self.engines = engines
    self.registry = registry
    self.clockwork = clockwork
  }

  /// The port for Clockwork's controllers.
  public var clockworkPort: Int? { clockwork.map { Int($0.port) } }

  // MARK: Start

  /// Returns when all models are available and it listens.
  ///
  /// - Parameters:
  ///   - configuration: what the flags say; its endpoints may have been changed.
  ///   - bootstrap: how models without ramps get some, if the flags allow it.
  ///   - clockworkHost: the IPv4 address that Clockwork's controllers connect to.
  ///   - log: takes one line at a time, from any thread.
  public static func start(
    _ configuration: ServerConfiguration, device: Device, loading: LoadedModel.Options = LoadedModel.Options(),
    bootstrap: BootstrapOptions = BootstrapOptions(), clockworkHost: String = "0.0.0.0",
    log: @escaping @Sendable (String) -> Void
  ) async throws -> SidecarServer {
    for remark in configuration.remarks { log(remark) }
    let options = configuration.options
    var settings = try settings(configuration, device, loading, log)
    settings.bootstrap = options.bootstraps ? bootstrap : nil
    let engines = EngineStore(settings)
    let registry = MetricsRegistry()
    let metrics = ServingMetrics(registry)
    let meters = EngineMeters(registry, metrics, engines: engines)
    registry.beforeReading { meters.update() }
    engines.beforeReplacing { meters.update() }
    let tensorFlow = try await TensorFlowServer.start(
      configuration, loader: engines, registry: registry, metrics: metrics, log: log)
    do {
      let clockwork = try options.clockworkPort.map { port in
        var worker = WorkerConfiguration(modelRoot: configuration.clockworkRoot)
        worker.host = clockworkHost
        worker.port = UInt16(clamping: port)
        // The face of a Clockwork worker, over the engines that are there and more of their kind.
        let server = try WorkerServer(configuration: worker, log: log) { files, _ in try engines.lease(files) }
        log("Clockwork's controllers connect to port \(server.port); their models are in \(worker.modelRoot)")
        return server
      }
      return SidecarServer(tensorFlow: tensorFlow, engines: engines, registry: registry, clockwork: clockwork)
    } catch {
      await tensorFlow.stop(within: .zero)
      throw error
    }
  }

  private static func settings(
    _ configuration: ServerConfiguration, _ device: Device, _ loading: LoadedModel.Options,
    _ log: @escaping @Sendable (String) -> Void
  ) throws -> EngineSettings {
    let options = configuration.options
    var settings = EngineSettings(device: device)
    settings.loading = loading
    settings.allowsExits = options.allowsExits
    settings.accuracy = try options.accuracy.map { try AccuracyConstraint($0) }
    settings.rampBudget = options.rampBudget
    settings.guarantee = options.guarantee
    settings.batchSizes = Set([1] + (configuration.batching?.allowedBatchSizes ?? [])).sorted()
    settings.stateDirectory = options.stateDirectory.isEmpty ? nil : options.stateDirectory
    settings.log = log
    return settings
  }

  // MARK: End

  /// Takes no more work, finishes what is under way, and saves what was learnt.
  ///
  /// - Parameter limit: for calls under way.
  /// - Returns: how many connections had to be cut.
  @discardableResult
  public func stop(within limit: Duration) async -> Int {
    if let clockwork {
      await withCheckedContinuation { continuation in
        // Blocks.
        DispatchQueue.global().async {
          clockwork.stop()
          continuation.resume()
        }
      }
    }
    return await tensorFlow.stop(within: limit)
  }
}

extension ServerConfiguration {
  fileprivate var clockworkRoot: String {
    if !options.clockworkModelRoot.isEmpty {
      return URL(fileURLWithPath: options.clockworkModelRoot).standardizedFileURL.path
    }
    let first = URL(fileURLWithPath: models.first?.basePath ?? "/", isDirectory: true)
    return first.standardizedFileURL.deletingLastPathComponent().path
  }
}
