import Dispatch
import Synchronization

/// Serves the versions that are on disk: looks for new ones, loads, warms up, publishes and unloads them, and takes new
/// lists of models while it runs.
///
/// Decisions are ``RepositoryCore``'s; this is the shell around it. One serial queue does everything but loading, which
/// has threads of its own; look-ups take a lock for the length of a dictionary access.
public final class ModelRepository: ServableSource {
  public enum Polling: Hashable, Sendable {
    case every(Duration)
    /// When a model is configured, and then no more.
    case once
    case never
  }

  public struct Options: Sendable {
    public var polling = Polling.every(.seconds(1))
    public var maxLoadRetries = 5
    public var loadRetryInterval: Duration = .seconds(60)
    /// Loads that run at once.
    public var loadThreads = 1
    public var allowsLabelsForUnavailableVersions = false
    /// How long a reload waits for its models. Longer than all retries of one model.
    public var reloadTimeout: Duration = .seconds(600)

    public init() {}
  }

  /// Runs requests on a version before others may; what it throws fails the load.
  public typealias WarmUp = @Sendable (ServedModel, VersionFiles) throws -> Void

  private struct Published {
    /// By version.
    var versions: [Int64: ServedModel] = [:]
    /// The highest of them.
    var latest: ServedModel?
    var labels: [String: Int64] = [:]
  }

  /// One successful load, told from an earlier or a later one of the same version by its identity.
  private final class Load: Sendable {
    let id: ServableID
    let unload: @Sendable () -> Void

    init(_ id: ServableID, unload: @escaping @Sendable () -> Void) {
      self.id = id
      self.unload = unload
    }
  }

  private struct PendingReload {
    let names: [String]
    let deadline: ContinuousClock.Instant
    let completion: @Sendable (Result<Void, ReloadError>) -> Void
  }

  private struct State {
    var core: RepositoryCore
    var loaded: [ServableID: ServedModel] = [:]
    /// Those that are loaded and not torn down yet.
    var loads: [ServableID: Load] = [:]
    var reload: PendingReload?
    var nextPoll: ContinuousClock.Instant?
    /// What was last said of each model's directory.
    var reported: [String: RepositoryError] = [:]
    var isShutDown = false
    /// Counts the timers set; only the last one counts when it goes off.
    var timer = 0
    /// Told when nothing is loaded any more.
    var emptied: [DispatchSemaphore] = []
  }

  private let options: Options
  private let loader: any ServableLoader
  private let warmUp: WarmUp
  private let onEvent: @Sendable (RepositoryEvent) -> Void
  private let clock = ContinuousClock()
  /// Everything that decides runs here, in order.
  private let queue = DispatchQueue(label: "apparate.repository", qos: .utility)
  private let loadQueue = DispatchQueue(label: "apparate.load", qos: .utility, attributes: .concurrent)
  /// Guards the core and what goes with it. Changed on `queue` only; read from anywhere.
  private let state: Mutex<State>
  /// Guards what look-ups see.
  private let published = Mutex<[String: Published]>([:])

  /// - Parameters:
  ///   - warmUp: called on a load thread, before the version is available.
  ///   - onEvent: called from the repository's threads, when look-ups see the change; may look up, and nothing else.
  public init(
    loader: any ServableLoader, options: Options = Options(), warmUp: @escaping WarmUp = { _, _ in },
    onEvent: @escaping @Sendable (RepositoryEvent) -> Void = { _ in }
  ) {
    self.loader = loader
    self.options = options
    self.warmUp = warmUp
    self.onEvent = onEvent
    state = Mutex(
      State(
        core: RepositoryCore(
          options: RepositoryCore.Options(
            loadLimit: max(1, options.loadThreads), maxLoadRetries: options.maxLoadRetries,
            loadRetryInterval: options.loadRetryInterval,
            allowsLabelsForUnavailableVersions: options.allowsLabelsForUnavailableVersions))))
  }

  // MARK: Look-ups

  public func model(named name: String, version: VersionChoice) throws(ServingError) -> ServedModel {
    let found = published.withLock { table -> Result<ServedModel, ServingError> in
      let model = table[name]
      switch version {
      case .latest: return model?.latest.map { .success($0) } ?? .failure(.modelNotFound(name: name))
      case .specific(let number):
        return model?.versions[number].map { .success($0) } ?? .failure(.versionNotFound(name: name, version: number))
      case .label(let label):
        guard let number = model?.labels[label] else { return .failure(.labelNotFound(name: name, label: label)) }
        return model?.versions[number].map { .success($0) } ?? .failure(.versionNotFound(name: name, version: number))
      }
    }
    return try found.get()
  }

  public func versionStates(of name: String, version: Int64?) throws(ServingError) -> [VersionState] {
    let states = state.withLock { $0.core.states(of: name) } ?? []
    guard !states.isEmpty else { throw .modelNotFound(name: name) }
    guard let version else { return states }
    guard let one = states.first(where: { $0.version == version }) else {
      throw .versionNotFound(name: name, version: version)
    }
    return [one]
  }

  /// The models that are configured now, ascending by name.
  public var configurations: [ModelConfiguration] { state.withLock { $0.core.configurations } }

  /// Whether every configured model has an available version.
  public var isReady: Bool {
    state.withLock { state in
      !state.isShutDown && state.core.configurations.allSatisfy { !state.core.available(of: $0.name).isEmpty }
    }
  }

  // MARK: Changes

  /// A reload that is still waiting when the next one comes ends at once, as if its time were over.
  public func reload(
    _ models: [ModelConfiguration], completion: @escaping @Sendable (Result<Void, ReloadError>) -> Void
  ) {
    queue.async { [self] in
      let deadline = clock.now + options.reloadTimeout
      let outcome = state.withLock { state -> (PendingReload?, ReloadError?) in
        guard !state.isShutDown else { return (nil, .shuttingDown) }
        do throws(ReloadError) { try state.core.configure(models) } catch { return (nil, error) }
        let superseded = state.reload
        state.reload = PendingReload(names: models.map(\.name), deadline: deadline, completion: completion)
        return (superseded, nil)
      }
      if let superseded = outcome.0 { superseded.completion(.failure(.timedOut(seconds: 0))) }
      if let error = outcome.1 { return completion(.failure(error)) }
      if options.polling != .never { lookForVersions() }
      advance()
    }
  }

  /// Looks for new versions now, and not only when it is time.
  public func poll() {
    queue.async { [self] in
      lookForVersions()
      advance()
    }
  }

  /// Unloads everything and waits until it is done and no request uses anything, at most for `timeout`.
  ///
  /// - Returns: whether everything was unloaded in time.
  @discardableResult
  public func shutDown(timeout: Duration) -> Bool {
    let emptied = DispatchSemaphore(value: 0)
    queue.async { [self] in
      let reload = state.withLock { state in
        state.isShutDown = true
        // An empty list is always valid.
        try? state.core.configure([])
        state.emptied.append(emptied)
        defer { state.reload = nil }
        return state.reload
      }
      reload?.completion(.failure(.shuttingDown))
      advance()
    }
    return emptied.wait(timeout: .now() + timeout.seconds) == .success
  }

  // MARK: On the queue

  /// Does what there is to do, until nothing changes any more without something happening outside.
  private func advance() {
    let actions = state.withLock { $0.core.actions(now: clock.now) }
    for action in actions {
      switch action {
      case .load(let id, let directory): load(id, from: directory)
      case .unload(let id):
        publish(id.name)
        onEvent(.unloading(id))
        // Whoever still holds it keeps it; `released` comes when nobody does.
        state.withLock { $0.loaded[id] = nil }
      }
    }
    finishReload()
    reportIfEmpty()
    scheduleNext()
  }

  private func lookForVersions() {
    for configuration in configurations {
      let found: Result<[Int64: String], RepositoryError>
      do throws(RepositoryError) {
        found = .success(try VersionDirectories.list(basePath: configuration.basePath))
      } catch {
        found = .failure(error)
      }
      let problem = state.withLock { state -> RepositoryError? in
        state.core.polled(configuration.name, found: found)
        let problem = state.core.problem(of: configuration.name)
        defer { state.reported[configuration.name] = problem }
        return problem != state.reported[configuration.name] ? problem : nil
      }
      if let problem { onEvent(.nothingFound(problem)) }
    }
    if case .every(let interval) = options.polling {
      state.withLock { $0.nextPoll = clock.now + interval }
    }
  }

  private func load(_ id: ServableID, from directory: String) {
    onEvent(.loading(id, directory: directory))
    loadQueue.async { [self] in
      let start = clock.now
      let result = Result { try loaded(id, from: directory) }
      let took = clock.now - start
      queue.async { [self] in finish(id, directory: directory, result, took: took) }
    }
  }

  /// Blocks; on a load thread.
  private func loaded(_ id: ServableID, from directory: String) throws -> (ServedModel, Load) {
    let files = try VersionFiles(directory: directory)
    let made = try loader.load(id, from: files)
    let load = Load(id, unload: made.unload)
    let held = HeldServable.holding(made.servable) { [weak self] servable in
      guard let self else { return made.unload() }
      queue.async { self.released(load, servable: servable) }
    }
    let model = ServedModel(id: id, servable: held, signatures: made.signatures)
    try warmUp(model, files)
    return (model, load)
  }

  private func finish(
    _ id: ServableID, directory: String, _ result: Result<(ServedModel, Load), any Error>, took: Duration
  ) {
    switch result {
    case .success(let (model, load)):
      state.withLock { state in
        state.loaded[id] = model
        state.loads[id] = load
        state.core.finishLoad(id, failure: nil, now: clock.now)
      }
      publish(id.name)
      onEvent(.loaded(id, directory: directory, took: took))
    case .failure(let error):
      let reason = "\(error)"
      let retries = state.withLock { $0.core.finishLoad(id, failure: reason, now: clock.now) }
      publish(id.name)
      onEvent(.loadFailed(id, directory: directory, reason: reason, took: took, retriesLeft: retries))
    }
    advance()
  }

  /// The last holder of a version has let go of it, on whichever thread that was.
  private func released(_ load: Load, servable: any Servable) {
    load.unload()
    let wasLoaded = state.withLock { state in
      // A version that failed to warm up never was.
      guard state.loads[load.id] === load else { return false }
      state.loads[load.id] = nil
      state.core.finishUnload(load.id)
      return true
    }
    if wasLoaded { onEvent(.unloaded(load.id)) }
    advance()
  }

  /// Makes what is available of a model visible to look-ups.
  private func publish(_ name: String) {
    let entry = state.withLock { state -> Published? in
      let available = state.core.available(of: name)
      var entry = Published(labels: state.core.labels(of: name))
      for version in available { entry.versions[version] = state.loaded[ServableID(name: name, version: version)] }
      entry.latest = available.first.flatMap { entry.versions[$0] }
      return available.isEmpty && entry.labels.isEmpty ? nil : entry
    }
    // The old entry is let go of outside the lock: that may be the end of a servable.
    let old = published.withLock { table in
      let old = table[name]
      table[name] = entry
      return old
    }
    _ = consume old
  }

  // MARK: Reloads

  private func finishReload() {
    let now = clock.now
    let ended = state.withLock { state -> (PendingReload, Result<Void, ReloadError>)? in
      guard let reload = state.reload else { return nil }
      let isSettled = options.polling == .never || reload.names.allSatisfy { state.core.isSettled($0) }
      guard isSettled || now >= reload.deadline else { return nil }
      state.reload = nil
      return (reload, Self.outcome(of: reload, isSettled: isSettled, core: &state.core, options: options))
    }
    guard let (reload, result) = ended else { return }
    for name in reload.names { publish(name) }
    reload.completion(result)
  }

  private static func outcome(
    of reload: PendingReload, isSettled: Bool, core: inout RepositoryCore, options: Options
  ) -> Result<Void, ReloadError> {
    var reasons: [String: String] = [:]
    for name in reload.names { reasons[name] = core.reasonForAbsence(of: name) }
    do throws(ReloadError) {
      try core.applyLabels()
    } catch {
      // A missing model explains a missing label.
      if reasons.isEmpty { return .failure(error) }
    }
    if !isSettled { return .failure(.timedOut(seconds: Int(options.reloadTimeout.components.seconds))) }
    return reasons.isEmpty ? .success(()) : .failure(.notAvailable(reasons: reasons))
  }

  private func reportIfEmpty() {
    let waiting = state.withLock { state -> [DispatchSemaphore] in
      guard state.isShutDown, state.loads.isEmpty, state.core.isIdle else { return [] }
      defer { state.emptied = [] }
      return state.emptied
    }
    for semaphore in waiting { semaphore.signal() }
  }

  // MARK: Time

  /// Sets a timer for what happens next by itself; it takes the place of the one before.
  private func scheduleNext() {
    let next = state.withLock { state -> (instant: ContinuousClock.Instant, timer: Int)? in
      let poll = state.isShutDown ? nil : state.nextPoll
      guard let instant = [state.core.nextRetry, poll, state.reload?.deadline].compactMap({ $0 }).min() else {
        return nil
      }
      state.timer += 1
      return (instant, state.timer)
    }
    guard let next else { return }
    let delay = max(.zero, next.instant - clock.now)
    queue.asyncAfter(deadline: .now() + delay.seconds) { [weak self] in
      guard let self, state.withLock({ $0.timer == next.timer }) else { return }
      if let poll = state.withLock({ $0.nextPoll }), poll <= clock.now { lookForVersions() }
      advance()
    }
  }
}

extension Duration {
  fileprivate var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
