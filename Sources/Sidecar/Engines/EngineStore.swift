import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Serving
import Synchronization
import TensorFlowServingAdapter

/// Makes early-exit engines of versions' files, one for each version however many faces serve it.
public final class EngineStore: ServableLoader {
  public let settings: EngineSettings
  private let folder: StateFolder

  /// A version's place. It is made before its engine, so that of two who want the same version one loads and one waits.
  private final class Place: Sendable {
    /// Guards the engine; held while it is made.
    let engine = Mutex<SharedEngine?>(nil)
  }

  private struct Entry {
    let place: Place
    var users: Int
  }

  /// Guards the versions that are in use, by directory.
  private let entries = Mutex<[String: Entry]>([:])

  public init(_ settings: EngineSettings) {
    self.settings = settings
    folder = StateFolder(fallback: settings.stateDirectory)
  }

  /// Those that are loaded, ascending by model and version.
  public var engines: [SharedEngine] {
    let places = entries.withLock { $0.values.map(\.place) }
    return places.compactMap { place in place.engine.withLockIfAvailable { $0 } ?? nil }
      .sorted { ($0.id.name, $0.id.version) < ($1.id.name, $1.id.version) }
  }

  // MARK: Loading

  public func load(_ id: ServableID, from files: VersionFiles) throws -> LoadedServable {
    let lease = try lease(files, id: id)
    do {
      let signatures = try SignatureFile.signatures(in: files.directory, own: lease.signature)
      return LoadedServable(servable: lease, signatures: signatures) { lease.end() }
    } catch {
      lease.end()
      throw error
    }
  }

  /// For a face that knows versions by their directories only.
  func lease(_ files: VersionFiles) throws -> EngineLease {
    let url = URL(fileURLWithPath: files.directory).standardizedFileURL
    let name = url.deletingLastPathComponent().lastPathComponent
    return try lease(files, id: ServableID(name: name, version: Int64(url.lastPathComponent) ?? 0))
  }

  private func lease(_ files: VersionFiles, id: ServableID) throws -> EngineLease {
    let key = URL(fileURLWithPath: files.directory).resolvingSymlinksInPath().path
    let place = entries.withLock { entries in
      entries[key, default: Entry(place: Place(), users: 0)].users += 1
      return entries[key]?.place ?? Place()
    }
    do {
      let shared = try place.engine.withLock { engine in
        if let engine { return engine }
        let made = SharedEngine(id: id, engine: try makeEngine(files, id: id))
        engine = made
        return made
      }
      try shared.holdWeights()
      return EngineLease(shared) { [self] in release(key) }
    } catch {
      release(key)
      throw error
    }
  }

  /// One user less. The last one ends the engine.
  private func release(_ key: String) {
    let place = entries.withLock { entries -> Place? in
      guard var entry = entries[key] else { return nil }
      entry.users -= 1
      entries[key] = entry.users > 0 ? entry : nil
      return entry.users > 0 ? nil : entry.place
    }
    guard let engine = place?.engine.withLock({ $0 })?.engine else { return }
    if !engine.shutDown(within: Self.endingTime) { settings.log("\(engine.name): did not end in time") }
  }

  private static let endingTime = Duration.seconds(10)

  private func makeEngine(_ files: VersionFiles, id: ServableID) throws -> EarlyExitEngine {
    let prepared = try PreparedModel(path: try files.onnxPath)
    let engine = try makeEngine(prepared, id: id, directory: files.directory)
    for size in settings.batchSizes {
      if let batch = Batch(zerosFor: engine.signature, count: size) { try engine.prepare(batch) }
    }
    return engine
  }

  func makeEngine(_ prepared: PreparedModel, id: ServableID, directory: String) throws -> EarlyExitEngine {
    let state = folder.path(for: id, at: directory)
    if state == nil, settings.allowsExits, !prepared.description.ramps.isEmpty {
      settings.log("\(id): what is learnt of its exits will be lost at the end: \(directory) cannot be written to")
    }
    var options = EarlyExitEngine.Options()
    options.control = try settings.control(
      of: prepared, stateFile: state.map { "\($0)/\(StateFolder.controllerName)" })
    options.loading = settings.loading
    options.log = settings.log
    return try EarlyExitEngine(prepared, name: "\(id)", device: settings.device, options: options)
  }
}

extension Batch {
  /// Zeros in the shapes that a signature declares; `nil` where it leaves more open than the items.
  init?(zerosFor signature: Signature, count: Int) {
    var inputs: [String: Tensor] = [:]
    for input in signature.inputs {
      guard let shape = input.shape, !shape.isEmpty, shape[0] == nil || shape[0] == count else { return nil }
      let extents = shape.dropFirst().compactMap { $0 }
      guard extents.count == shape.count - 1 else { return nil }
      let byteCount = extents.reduce(count * input.type.byteWidth, *)
      inputs[input.name] = Tensor(
        type: input.type, shape: [count] + extents,
        storage: TensorStorage(byteCount: byteCount) { $0.initializeMemory(as: UInt8.self, repeating: 0) })
    }
    self.init(inputs: inputs, count: count, padding: count)
  }
}
