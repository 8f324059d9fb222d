import RPC
import Serving

/// Tells gRPC's health service how the models are: each under its own name, and the server under the names that
/// TensorFlow Serving has for it, the full names of its services, and the empty one.
struct HealthReporter: Sendable {
  let service: HealthService

  /// The server as a whole. TensorFlow Serving's own health service knows the two short names.
  private static let serverNames = ["", "PredictionService", "ModelService"] + GRPCServices.names

  /// Something has happened to a version.
  func update(_ event: RepositoryEvent, in repository: ModelRepository) {
    switch event {
    case .loading(let id, _), .loaded(let id, _, _), .loadFailed(let id, _, _, _, _), .unloading(let id):
      tell(id.name, repository)
    case .unloaded(let id):
      if repository.configurations.contains(where: { $0.name == id.name }) {
        tell(id.name, repository)
      } else {
        service.set(id.name, nil)
      }
    case .nothingFound: break
    }
    tellOfServer(isReady: repository.isReady)
  }

  func tellOfServer(isReady: Bool) {
    for name in Self.serverNames { service.set(name, isReady ? .serving : .notServing) }
  }

  private func tell(_ name: String, _ repository: ModelRepository) {
    let isAvailable = (try? repository.model(named: name, version: .latest)) != nil
    service.set(name, isAvailable ? .serving : .notServing)
  }
}
