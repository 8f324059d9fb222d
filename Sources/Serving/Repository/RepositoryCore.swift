/// What is to be served, what is, and what to do about the difference: the repository without threads, files or clock.
///
/// Versions change hands as TensorFlow Serving's availability-preserving policy has it: of one model, new versions are
/// loaded first, and old ones are unloaded only when a new one answers, so that no moment passes without an available
/// version where there was one. What is asked for but cannot be loaded therefore leaves the old one in place.
struct RepositoryCore: Sendable {
  typealias Instant = ContinuousClock.Instant

  struct Options: Sendable {
    /// Loads that run at once.
    var loadLimit = 1
    /// After the first try.
    var maxLoadRetries = 5
    var loadRetryInterval: Duration = .seconds(60)
    /// Whether a label may name a version that is not available, unless that moves it.
    var allowsLabelsForUnavailableVersions = false
  }

  /// What the shell must do now. The core has noted that it is being done.
  enum Action: Hashable, Sendable {
    /// And tell ``finishLoad(_:failure:now:)``.
    case load(ServableID, directory: String)
    /// Once nobody uses it any more; and tell ``finishUnload(_:)``.
    case unload(ServableID)
  }

  /// Ended versions of one model that are remembered, the highest.
  static let endedVersionLimit = 100
  /// Models that are not configured any more and that are remembered.
  static let formerModelLimit = 1000

  private struct Version {
    var phase: VersionState.Phase
    var failure: String?
    /// Whether it is to be served.
    var isAspired: Bool
    var directory: String
    /// Loads that have failed.
    var failures = 0
    /// When to try again; `nil` while a load runs or has not begun.
    var retryAt: Instant?

    /// A load that neither runs nor waits for a thread.
    var waitsForRetry: Bool { phase == .loading && retryAt != nil }
    var runsLoad: Bool { phase == .loading && retryAt == nil }
  }

  private struct Model {
    /// `nil` once it has been taken off the list.
    var configuration: ModelConfiguration?
    var labels: [String: Int64] = [:]
    var versions: [Int64: Version] = [:]
    /// Its directory has been looked at, well or in vain, since it was configured.
    var hasBeenPolled = false
    /// Why its directory has nothing to offer, when that is so.
    var problem: RepositoryError?

    var available: [Int64] { versions.filter { $0.value.phase == .available }.keys.sorted(by: >) }
  }

  private let options: Options
  private var models: [String: Model] = [:]

  init(options: Options) { self.options = options }

  // MARK: What is to be served

  /// The models that are configured, ascending by name.
  var configurations: [ModelConfiguration] {
    models.values.compactMap(\.configuration).sorted { $0.name < $1.name }
  }

  /// Replaces the list. Labels stay as they are until ``applyLabels()``; those of models off the list go.
  ///
  /// - Throws: when the list makes no sense; then nothing has changed.
  mutating func configure(_ list: [ModelConfiguration]) throws(ReloadError) {
    try ModelConfiguration.validate(list, current: models.compactMapValues { $0.configuration?.platform })
    let names = Set(list.map(\.name))
    for name in models.keys where !names.contains(name) {
      models[name]!.configuration = nil
      models[name]!.labels = [:]
      aspire(to: [], of: name)
    }
    for configuration in list {
      var model = models[configuration.name] ?? Model()
      if model.configuration != configuration { model.hasBeenPolled = false }
      model.configuration = configuration
      models[configuration.name] = model
    }
    forgetFormerModels()
  }

  /// What was found under a model's base path: directories by version. A directory that cannot be listed changes
  /// nothing: what is served goes on.
  mutating func polled(_ name: String, found: Result<[Int64: String], RepositoryError>) {
    guard let configuration = models[name]?.configuration else { return }
    models[name]!.hasBeenPolled = true
    switch found {
    case .failure(let error): models[name]!.problem = error
    case .success(let directories):
      let chosen = configuration.versionPolicy.choice(of: directories.keys)
      models[name]!.problem = chosen.isEmpty ? .noVersions(model: name, path: configuration.basePath) : nil
      aspire(to: chosen.map { ($0, directories[$0]!) }, of: name)
    }
  }

  private mutating func aspire(to wanted: [(version: Int64, directory: String)], of name: String) {
    var versions = models[name]!.versions
    let numbers = Set(wanted.map(\.version))
    for version in versions.keys where !numbers.contains(version) {
      versions[version]!.isAspired = false
      // Nothing of it is there yet: it ends at once.
      if versions[version]!.phase == .start || versions[version]!.waitsForRetry {
        versions[version]!.phase = .end
        versions[version]!.retryAt = nil
      }
    }
    for (number, directory) in wanted {
      let old = versions[number]
      // A version that failed is not tried again until it has been away.
      if old == nil || (old?.phase == .end && old?.isAspired == false) {
        versions[number] = Version(phase: .start, isAspired: true, directory: directory)
      } else {
        versions[number]!.isAspired = true
        versions[number]!.directory = directory
      }
    }
    let ended = versions.filter { $0.value.phase == .end && !$0.value.isAspired }.keys.sorted(by: >)
    for version in ended.dropFirst(Self.endedVersionLimit) { versions[version] = nil }
    models[name]!.versions = versions
  }

  /// Removes models that are neither configured nor have anything loaded, beyond the limit.
  private mutating func forgetFormerModels() {
    let former = models.filter {
      $0.value.configuration == nil && $0.value.versions.allSatisfy { $0.value.phase == .end }
    }
    for name in former.keys.sorted().dropFirst(Self.formerModelLimit) { models[name] = nil }
  }

  // MARK: What to do

  /// What must be done now to come nearer to what is to be served.
  mutating func actions(now: Instant) -> [Action] {
    var actions: [Action] = []
    for name in models.keys.sorted() { actions += unloads(of: name) }
    var running = models.values.reduce(0) { $0 + $1.versions.values.count(where: \.runsLoad) }
    for name in models.keys.sorted() {
      for number in models[name]!.versions.keys.sorted(by: >) where running < options.loadLimit {
        let version = models[name]!.versions[number]!
        let isDue = version.phase == .start || (version.waitsForRetry && version.retryAt! <= now)
        guard isDue, version.isAspired else { continue }
        models[name]!.versions[number]!.phase = .loading
        models[name]!.versions[number]!.retryAt = nil
        running += 1
        actions.append(.load(ServableID(name: name, version: number), directory: version.directory))
      }
    }
    return actions
  }

  private mutating func unloads(of name: String) -> [Action] {
    let model = models[name]!
    let aspired = model.versions.values.filter(\.isAspired)
    guard aspired.isEmpty || aspired.contains(where: { $0.phase == .available }) else { return [] }
    var actions: [Action] = []
    for number in model.versions.keys.sorted() {
      guard let version = model.versions[number], version.phase == .available, !version.isAspired else { continue }
      models[name]!.versions[number]!.phase = .unloading
      actions.append(.unload(ServableID(name: name, version: number)))
    }
    return actions
  }

  /// When ``actions(now:)`` will have something to do without anything else happening.
  var nextRetry: Instant? {
    models.values.flatMap { $0.versions.values.compactMap { $0.waitsForRetry ? $0.retryAt : nil } }.min()
  }

  /// - Parameter failure: the reason, when the load failed.
  /// - Returns: how many more tries there will be, when it failed.
  @discardableResult
  mutating func finishLoad(_ id: ServableID, failure: String?, now: Instant) -> Int {
    guard var version = models[id.name]?.versions[id.version], version.runsLoad else { return 0 }
    defer { models[id.name]!.versions[id.version] = version }
    guard let failure else {
      version.phase = .available
      version.failure = nil
      return 0
    }
    version.failures += 1
    version.failure = failure
    let retries = max(0, options.maxLoadRetries + 1 - version.failures)
    if retries > 0, version.isAspired {
      version.retryAt = now + options.loadRetryInterval
      return retries
    }
    version.phase = .end
    return 0
  }

  mutating func finishUnload(_ id: ServableID) {
    guard models[id.name]?.versions[id.version]?.phase == .unloading else { return }
    models[id.name]!.versions[id.version]!.phase = .end
    // It may be wanted again meanwhile.
    if models[id.name]!.versions[id.version]!.isAspired {
      let directory = models[id.name]!.versions[id.version]!.directory
      models[id.name]!.versions[id.version] = Version(phase: .start, isAspired: true, directory: directory)
    }
  }

  // MARK: What is served

  /// Versions descending; `nil` when the model was never configured, or so long ago that it is forgotten.
  func states(of name: String) -> [VersionState]? {
    models[name]?.versions.sorted { $0.key > $1.key }.map {
      VersionState(version: $0.key, phase: $0.value.phase, failure: $0.value.phase == .end ? $0.value.failure : nil)
    }
  }

  /// Available versions, descending.
  func available(of name: String) -> [Int64] { models[name]?.available ?? [] }

  /// Why a model's directory has nothing to offer, when that is so.
  func problem(of name: String) -> RepositoryError? { models[name]?.problem }

  /// Whether nothing is loaded or being loaded.
  var isIdle: Bool { models.values.allSatisfy { $0.versions.values.allSatisfy { $0.phase == .end } } }

  func labels(of name: String) -> [String: Int64] { models[name]?.labels ?? [:] }

  /// Whether nothing more is to be waited for: every version that is to be served is available or has failed for good,
  /// or, where another one is available, for the first time.
  func isSettled(_ name: String) -> Bool {
    guard let model = models[name], model.configuration != nil else { return true }
    guard model.hasBeenPolled else { return false }
    let isServed = !model.available.isEmpty
    return model.versions.values.filter(\.isAspired).allSatisfy {
      $0.phase == .available || $0.phase == .end || ($0.waitsForRetry && isServed)
    }
  }

  /// Why a configured model has no available version; `nil` when it has.
  func reasonForAbsence(of name: String) -> String? {
    guard let model = models[name], model.configuration != nil, model.available.isEmpty else { return nil }
    let failed = model.versions.filter { $0.value.failure != nil && $0.value.isAspired }.max { $0.key < $1.key }
    if let failed { return failed.value.failure }
    if let problem = model.problem { return problem.description }
    return model.hasBeenPolled ? "still loading" : "its directory has not been looked at yet"
  }

  /// Puts the configured labels into force, all or none.
  mutating func applyLabels() throws(ReloadError) {
    for configuration in configurations {
      let model = models[configuration.name]!
      for (label, version) in configuration.labels.sorted(by: { $0.key < $1.key }) {
        if model.versions[version]?.phase == .available { continue }
        // TensorFlow Serving's --allow_version_labels_for_unavailable_models: only for labels that are new.
        let moves = model.labels[label].map { $0 != version } ?? false
        guard options.allowsLabelsForUnavailableVersions, !moves else {
          throw .labelUnavailable(label: label, version: version, model: configuration.name)
        }
      }
    }
    for configuration in configurations { models[configuration.name]!.labels = configuration.labels }
  }
}
