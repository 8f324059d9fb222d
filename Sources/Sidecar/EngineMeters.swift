import Serving
import Synchronization
import TensorFlowServingAdapter

/// Brings the metrics up to date with what the engines count, whenever somebody reads them: engines count anyway, and
/// requests pay nothing.
final class EngineMeters: Sendable {
  private struct Meter {
    let version: EarlyExitMetrics.Version
    weak var engine: EarlyExitEngine?
  }

  private let exits: EarlyExitMetrics
  private let serving: ServingMetrics
  private let engines: EngineStore
  /// Guards what is metered; held for a reading, so that two at once do not count twice.
  private let meters = Mutex<[ServableID: Meter]>([:])

  init(_ registry: MetricsRegistry, _ serving: ServingMetrics, engines: EngineStore) {
    exits = EarlyExitMetrics(registry)
    self.serving = serving
    self.engines = engines
    registry.observe(
      "apparate_bootstrap_items", "Items that were collected to train ramps on.", labels: ["model_name", "version"]
    ) {
      engines.bootstraps.map { .init(labels: [$0.id.name, "\($0.id.version)"], value: Double($0.bootstrap.items)) }
    }
  }

  func update() {
    meters.withLock { meters in
      let loaded = engines.engines
      let ids = Set(loaded.map(\.id))
      for id in meters.keys where !ids.contains(id) {
        meters[id] = nil
        exits.remove(id)
      }
      for shared in loaded {
        let engine = shared.engine
        let version = meters[shared.id]?.version ?? exits.version(shared.id)
        if let meter = meters[shared.id], meter.engine !== engine {
          // What it did since the last reading, if it is still there.
          if let old = meter.engine { count(old, version) }
          version.engineReplaced()
        }
        meters[shared.id] = Meter(version: version, engine: engine)
        count(engine, version)
      }
    }
  }

  private func count(_ engine: EarlyExitEngine, _ version: EarlyExitMetrics.Version) {
    let (batches, seconds) = version.update(engine.statistics)
    serving.graphRan(batches, took: .seconds(seconds))
  }
}
