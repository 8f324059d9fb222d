import Datasets
import Dispatch
import Foundation
import ModelGraph
import Preparation
import Serving
import Synchronization

/// Gives a model that is served without ramps some: keeps a sample of what clients send, has it prepared in the background
/// when there is enough, and puts the prepared model in the place of the one that answers. Issue 4, item 4.
///
/// What is prepared is the file that `apparate prepare` would make. Exits begin when the controller has certified some.
final class LiveBootstrap: Sendable {
  enum Stage: Sendable, Equatable {
    case waiting
    case collecting(wanted: Int)
    case preparing
    case done
    /// For good.
    case ended
  }

  private let shared: SharedEngine
  private let path: String
  private let options: BootstrapOptions
  private let work: Work
  private let log: @Sendable (String) -> Void

  /// What the store does for this.
  struct Work: Sendable {
    /// Where preparations wait for one another.
    let queue: DispatchQueue
    /// Where the prepared model is to be put together; in the directory where it will be, if there is one.
    let output: String
    /// How devices and threads are chosen, as flags of `apparate prepare`.
    let flags: [String]
    /// How many batches the process has run, for all models.
    let requests: @Sendable () -> UInt64
    /// Serves the model at ``output`` from now on; gets the shapes of batches to be made ready for.
    let adopt: @Sendable ([[String: Shape]]) throws -> Void
  }

  private struct State {
    var stage = Stage.waiting
    var failures = 0
    var wanted = 0
  }
  /// Guards how far it has come.
  private let state = Mutex(State())
  private struct Running {
    var isCancelled = false
    var process: PreparationProcess?
  }
  /// Guards what is to be ended.
  private let running = Mutex(Running())

  private static let mostFailures = 3

  init(
    _ shared: SharedEngine, path: String, options: BootstrapOptions, work: Work,
    log: @escaping @Sendable (String) -> Void
  ) {
    self.shared = shared
    self.path = path
    self.options = options
    self.work = work
    self.log = log
  }

  var stage: Stage { state.withLock { $0.stage } }

  /// Looks at what the model is sent from now on.
  func start() {
    // The sampler is held by the engine, this by the store.
    let sampler = InputSampler { [weak self] item in
      guard let self else { return }
      work.queue.async { self.judge(item) }
    } onEnough: { [weak self] in
      guard let self else { return }
      work.queue.async { self.prepare() }
    }
    self.sampler.withLock { $0 = sampler }
    shared.observe(with: sampler)
  }

  /// Guards the sampler.
  private let sampler = Mutex<InputSampler?>(nil)

  func cancel() {
    shared.observe(with: nil)
    let process = running.withLock { running in
      running.isCancelled = true
      return running.process
    }
    process?.cancel()
  }

  /// How many items are kept now.
  var items: Int { sampler.withLock { $0 }?.count ?? 0 }

  // MARK: On the queue

  /// Is there anything to gain, and from how many items?
  private func judge(_ item: InputSampler.Item) {
    do {
      let sites = try ModelPreparation.sites(of: try ONNXImporter.importModel(at: path), sample: item)
      guard !sites.sites.isEmpty else { throw PreparationError.noSites(model: path) }
      let bytes = item.values.reduce(0) { $0 + $1.storage.byteCount }
      let wanted = options.items(classes: sites.head.classes, itemByteCount: bytes)
      state.withLock { ($0.stage, $0.wanted) = (.collecting(wanted: wanted), wanted) }
      log(
        "\(shared.id): has no ramps yet; collecting \(wanted) of the next \(wanted * options.spread) items to train some on"
      )
      sampler.withLock { $0 }?.begin(capacity: wanted, spread: options.spread)
    } catch {
      end("\(shared.id): is served as it is: \(error)")
    }
  }

  private func prepare() {
    guard let sampler = sampler.withLock({ $0 }) else { return }
    state.withLock { $0.stage = .preparing }
    let items = sampler.takeItems()
    log("\(shared.id): preparing ramps on \(items.count) items, in the background")
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apparate-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let data = folder.appendingPathComponent("items.npz").path
      let ragged = try Self.write(items, to: data)
      let process = PreparationProcess(
        program: options.program ?? URL(fileURLWithPath: "/"),
        arguments: ["prepare", path, "--bootstrap", data, "--output", work.output]
          + (options.yields ? ["--background"] : [])
          + ragged.flatMap { ["--input", "\($0)=\($0) | trim"] } + work.flags,
        share: options.share, timeLimit: options.timeLimit)
      let isWanted = running.withLock { running in
        running.process = process
        return !running.isCancelled
      }
      guard isWanted else { return }
      defer { running.withLock { $0.process = nil } }
      switch process.run(requests: work.requests) {
      case .cancelled: return
      case .failed(let reason): retry(reason, sampler)
      case .done:
        try work.adopt(sampler.shapes)
        shared.observe(with: nil)
        state.withLock { $0.stage = .done }
      }
    } catch {
      end("\(shared.id): is served as it is: \(error)")
    }
  }

  /// - Returns: names of inputs whose items differ in length.
  private static func write(_ items: [InputSampler.Item], to path: String) throws -> [String] {
    let (arrays, ragged) = InputSampler.arrays(of: items)
    try NumPyArchive.write(arrays, to: path)
    return ragged.sorted()
  }

  /// Perhaps the items were too much alike; more of them may do.
  private func retry(_ reason: String, _ sampler: InputSampler) {
    let failures = state.withLock { state in
      state.failures += 1
      return state.failures
    }
    guard failures < Self.mostFailures else { return end("\(shared.id): is served as it is: \(reason)") }
    let wanted = state.withLock { state in
      state.stage = .collecting(wanted: state.wanted)
      return state.wanted
    }
    let spread = options.spread << (2 * failures)
    log("\(shared.id): \(reason); trying again after \(wanted * spread) more items")
    sampler.begin(capacity: wanted, spread: spread)
  }

  private func end(_ line: String) {
    shared.observe(with: nil)
    state.withLock { $0.stage = .ended }
    log(line)
  }
}
