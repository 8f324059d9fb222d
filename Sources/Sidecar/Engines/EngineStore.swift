import Dispatch
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Serving
import Synchronization
import TensorFlowServingAdapter
import Wire

/// Makes early-exit engines of versions' files, one for each version however many faces serve it.
public final class EngineStore: ServableLoader {
  public let settings: EngineSettings
  private let folder: StateFolder

  /// A version's place. It is made before its engine, so that of two who want the same version one loads and one waits.
  private final class Place: Sendable {
    struct Content {
      let shared: SharedEngine
      let bootstrap: LiveBootstrap?
    }
    /// Guards the engine and what makes a better one; held while it is made.
    let content = Mutex<Content?>(nil)
  }

  private struct Entry {
    let place: Place
    var users: Int
  }

  /// Guards the versions that are in use, by directory.
  private let entries = Mutex<[String: Entry]>([:])

  /// One preparation at a time.
  private let bootstrapQueue = DispatchQueue(label: "apparate.bootstrap", qos: .utility)
  /// Guards who is told before an engine is replaced.
  private let onReplacing = Mutex<(@Sendable () -> Void)?>(nil)

  public init(_ settings: EngineSettings) {
    self.settings = settings
    folder = StateFolder(fallback: settings.stateDirectory)
  }

  /// Those that are loaded, ascending by model and version.
  public var engines: [SharedEngine] {
    contents.map(\.shared).sorted { ($0.id.name, $0.id.version) < ($1.id.name, $1.id.version) }
  }

  /// Without those that are being loaded.
  private var contents: [Place.Content] {
    entries.withLock { $0.values.map(\.place) }.compactMap { place in
      place.content.withLockIfAvailable { $0 } ?? nil
    }
  }

  /// `body` is called before an engine is replaced.
  func beforeReplacing(_ body: @escaping @Sendable () -> Void) { onReplacing.withLock { $0 = body } }

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
      let shared = try place.content.withLock { content in
        if let content { return content.shared }
        let shared = SharedEngine(id: id, engine: try makeEngine(files, id: id))
        content = Place.Content(shared: shared, bootstrap: startBootstrap(of: shared, files))
        return shared
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
    guard let content = place?.content.withLock({ $0 }) else { return }
    content.bootstrap?.cancel()
    let engine = content.shared.engine
    if !engine.shutDown(within: Self.endingTime) { settings.log("\(engine.name): did not end in time") }
  }

  private static let endingTime = Duration.seconds(10)

  // MARK: Engines

  private func makeEngine(_ files: VersionFiles, id: ServableID) throws -> EarlyExitEngine {
    let engine = try makeEngine(try prepared(files, id: id), id: id, directory: files.directory, shapes: [])
    for size in settings.batchSizes {
      if let batch = Batch(zerosFor: engine.signature, count: size) { try engine.prepare(batch) }
    }
    return engine
  }

  /// The version's model; with the ramps that it got here before, if its own directory could not take them.
  private func prepared(_ files: VersionFiles, id: ServableID) throws -> PreparedModel {
    let path = try files.onnxPath
    if settings.allowsExits, case .onnx = files.model, let own = folder.preparedModel(for: id),
      let prepared = try? PreparedModel(path: own),
      let original = try? MemoryMappedFile(path: path), prepared.description.fingerprint == Fingerprint.of(original)
    {
      return prepared
    }
    return try PreparedModel(path: path)
  }

  /// - Parameter shapes: of batches that have been seen, for models that leave theirs open.
  private func makeEngine(
    _ prepared: PreparedModel, id: ServableID, directory: String, shapes: [[String: Shape]]
  ) throws -> EarlyExitEngine {
    let state = folder.path(for: id, at: directory)
    let hasExits = settings.allowsExits && !prepared.description.ramps.isEmpty
    if state == nil, hasExits {
      settings.log("\(id): what is learnt of its exits will be lost at the end: \(directory) cannot be written to")
    }
    var options = EarlyExitEngine.Options()
    options.control = try settings.control(
      of: prepared, stateFile: state.map { "\($0)/\(StateFolder.controllerName)" })
    options.loading = settings.loading
    options.log = settings.log
    if hasExits, prepared.description.device != settings.device.properties.fingerprint {
      options.latencies = try measuredLatencies(prepared, shapes: shapes)
    }
    return try EarlyExitEngine(prepared, name: "\(id)", device: settings.device, options: options)
  }

  /// What the ramps cost here, where the file says what they cost elsewhere; `nil` when nobody knows what to run.
  private func measuredLatencies(_ prepared: PreparedModel, shapes: [[String: Shape]]) throws -> LatencyProfile? {
    var loading = settings.loading
    loading.sideOutputs = prepared.sideOutputs
    let model = try LoadedModel(graph: prepared.graph, device: settings.device, options: loading)
    let signature = Signature(
      inputs: prepared.graph.inputs.map { input in
        let value = prepared.graph[input]
        return TensorSpec(name: value.name, type: value.type ?? .float32, shape: value.shape?.map(\.fixedExtent))
      }, outputs: [])
    func zeros(_ count: Int) -> Batch? {
      Batch(zerosFor: signature, count: count)
        ?? shapes.first.flatMap { shapes in
          Batch(zerosOf: shapes.mapValues { [count] + $0.dropFirst() }, signature, count: count)
        }
    }
    let sizes = settings.batchSizes.filter { $0 <= Self.largestMeasuredBatch }
    guard zeros(1) != nil else { return nil }
    return try prepared.measureLatencies(of: model, batchSizes: sizes, secondsPerSize: Self.measuringSeconds) { size in
      zeros(size)?.inputs ?? [:]
    }
  }

  private static let largestMeasuredBatch = 16
  private static let measuringSeconds = 0.1

  // MARK: Live bootstrapping

  /// How far models without ramps have come to have some.
  var bootstraps: [(id: ServableID, bootstrap: LiveBootstrap)] {
    contents.compactMap { content in content.bootstrap.map { (content.shared.id, $0) } }
  }

  private func startBootstrap(of shared: SharedEngine, _ files: VersionFiles) -> LiveBootstrap? {
    guard let options = settings.bootstrap, options.program != nil, settings.allowsExits,
      case .onnx(let path) = files.model,
      shared.engine.description.ramps.isEmpty
    else { return nil }
    let home = folder.path(for: shared.id, at: files.directory)
    let output = (home ?? NSTemporaryDirectory()) + "/.\(UUID().uuidString).onnx"
    var flags = deviceFlags
    if let accuracy = settings.accuracy { flags += ["--accuracy", "\(accuracy.minimumAgreement)"] }
    if let budget = settings.rampBudget { flags += ["--ramp-budget", "\(budget)"] }
    let work = LiveBootstrap.Work(
      queue: bootstrapQueue, output: output, flags: flags,
      requests: { [weak self] in self?.batchCount ?? 0 },
      adopt: { [weak self, weak shared] shapes in
        guard let self, let shared else { return }
        try adopt(output, home: home, for: shared, files, shapes: shapes)
      })
    let bootstrap = LiveBootstrap(shared, path: path, options: options, work: work, log: settings.log)
    bootstrap.start()
    return bootstrap
  }

  /// On a processor, if there is one: a GPU has no low priority, and what ramps learn is the same.
  private var deviceFlags: [String] {
    let own = settings.device
    let processor = own.properties.kind == .gpu ? try? Device.all().first { $0.properties.kind == .cpu } : nil
    let device = processor ?? own
    return ["--device", "\(device.platformIndex):\(device.deviceIndex)", "--batch-sizes", "1"]
  }

  private var batchCount: UInt64 { engines.reduce(0) { $0 + $1.engine.statistics.batches } }

  /// Puts a prepared model in the place of the original, on disk where that is possible, and in service.
  private func adopt(
    _ path: String, home: String?, for shared: SharedEngine, _ files: VersionFiles, shapes: [[String: Shape]]
  ) throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let prepared = try PreparedModel(path: path)
    let engine = try makeEngine(prepared, id: shared.id, directory: files.directory, shapes: shapes)
    for size in settings.batchSizes {
      if let batch = Batch(zerosFor: engine.signature, count: size) { try engine.prepare(batch) }
    }
    for shapes in shapes {
      // Only so that nobody waits for it later.
      let count = shapes.values.first?.first ?? 1
      if let batch = Batch(zerosOf: shapes, engine.signature, count: count) { try? engine.prepare(batch) }
    }
    if let home {
      let final = "\(home)/\(VersionFiles.preparedName)"
      guard rename(path, final) == 0 else {
        throw PreparedModelError.cannotWrite(file: final, reason: String(cString: strerror(errno)))
      }
    }
    onReplacing.withLock { $0 }?()
    try shared.replace(with: engine)
    let place = home.map { "\($0)/\(VersionFiles.preparedName)" } ?? "memory, and nowhere else"
    settings.log(
      "\(shared.id): serving with \(prepared.description.ramps.count) ramps from now on, which are in \(place); answers "
        + "leave early when that is certified")
  }
}

extension Batch {
  /// Zeros in the shapes that a signature declares; `nil` where it leaves more open than the items.
  init?(zerosFor signature: Signature, count: Int) {
    var shapes: [String: Shape] = [:]
    for input in signature.inputs {
      guard let shape = input.shape, !shape.isEmpty, shape[0] == nil || shape[0] == count else { return nil }
      let extents = shape.dropFirst().compactMap { $0 }
      guard extents.count == shape.count - 1 else { return nil }
      shapes[input.name] = [count] + extents
    }
    self.init(zerosOf: shapes, signature, count: count)
  }

  /// Zeros in these shapes; `nil` unless there is one for each input.
  init?(zerosOf shapes: [String: Shape], _ signature: Signature, count: Int) {
    var inputs: [String: Tensor] = [:]
    for input in signature.inputs {
      guard let shape = shapes[input.name] else { return nil }
      inputs[input.name] = Tensor(
        type: input.type, shape: shape,
        storage: TensorStorage(byteCount: shape.elementCount * input.type.byteWidth) {
          $0.initializeMemory(as: UInt8.self, repeating: 0)
        })
    }
    self.init(inputs: inputs, count: count, padding: count)
  }
}
