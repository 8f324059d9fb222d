import Datasets
import Foundation
import Serving

/// Through what a stream reaches the engine.
public enum ReplayFace: String, Sendable, CaseIterable, Codable {
  /// The engine itself.
  case engine
  /// A TensorFlow-Serving client, gRPC over loopback, and the server in front of the engine.
  case tfserving
  /// A Clockwork client, a controller and a worker, over loopback.
  case clockwork
}

/// An engine behind a face, as a client sees it: a servable that is far away.
struct FacedEngine {
  let servable: any Servable
  /// Whether answers say where they left. Where they don't, the engine's observations do.
  let tellsExits: Bool
  let end: () -> Void

  init(_ engine: EarlyExitEngine, behind face: ReplayFace, items: Items) throws {
    switch face {
    case .engine:
      servable = engine
      tellsExits = true
      end = {}
    case .tfserving:
      let served = try ServedByTensorFlow(engine)
      servable = served
      tellsExits = true
      end = { served.stop() }
    case .clockwork:
      let served = try ServedByClockwork(engine, items: items)
      servable = served
      tellsExits = false
      end = { served.stop() }
    }
  }
}

/// A directory that looks like a model with one version, for platforms that look for one; the engine behind them has its
/// model already.
struct VersionDirectory {
  static let model = "replayed"
  let root: String
  var basePath: String { "\(root)/\(Self.model)" }

  init() throws {
    root = FileManager.default.temporaryDirectory.appendingPathComponent("apparate-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: "\(root)/\(Self.model)/1", withIntermediateDirectories: true)
    try Data().write(to: URL(fileURLWithPath: "\(root)/\(Self.model)/1/model.onnx"))
  }

  func remove() { try? FileManager.default.removeItem(atPath: root) }
}
