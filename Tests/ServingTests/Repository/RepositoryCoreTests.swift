import Testing

@testable import Serving

@Suite("What the repository does about the difference between what is to be served and what is")
struct RepositoryCoreTests {
  private typealias Policy = ModelConfiguration.VersionPolicy

  private let start = ContinuousClock.now

  private func core(_ change: (inout RepositoryCore.Options) -> Void = { _ in }) -> RepositoryCore {
    var options = RepositoryCore.Options()
    options.loadLimit = 10
    change(&options)
    return RepositoryCore(options: options)
  }

  private func model(
    _ name: String = "m", _ policy: Policy = .latest(count: 1), labels: [String: Int64] = [:]
  ) -> ModelConfiguration {
    ModelConfiguration(name: name, basePath: "/\(name)", versionPolicy: policy, labels: labels)
  }

  private func load(_ version: Int64, of name: String = "m") -> RepositoryCore.Action {
    .load(ServableID(name: name, version: version), directory: "/\(name)/\(version)")
  }

  private func unload(_ version: Int64, of name: String = "m") -> RepositoryCore.Action {
    .unload(ServableID(name: name, version: version))
  }

  private func id(_ version: Int64, of name: String = "m") -> ServableID { ServableID(name: name, version: version) }

  private func found(_ versions: Int64..., of name: String = "m") -> Result<[Int64: String], RepositoryError> {
    .success(Dictionary(uniqueKeysWithValues: versions.map { ($0, "/\(name)/\($0)") }))
  }

  private func phases(_ core: RepositoryCore, of name: String = "m") -> [Int64: VersionState.Phase] {
    Dictionary(uniqueKeysWithValues: (core.states(of: name) ?? []).map { ($0.version, $0.phase) })
  }

  @Test("policies choose versions, highest first")
  func policies() {
    let available: [Int64] = [3, 10, 7, 1]
    #expect(Policy.latest(count: 1).choice(of: available) == [10])
    #expect(Policy.latest(count: 2).choice(of: available) == [10, 7])
    #expect(Policy.latest(count: 0).choice(of: available) == [10])
    #expect(Policy.latest(count: 9).choice(of: available) == [10, 7, 3, 1])
    #expect(Policy.all.choice(of: available) == [10, 7, 3, 1])
    #expect(Policy.specific([1, 7, 99]).choice(of: available) == [7, 1])
    #expect(Policy.specific([]).choice(of: available).isEmpty)
  }

  @Test("a new version is loaded first, and the old one is unloaded when it answers")
  func replacement() throws {
    var core = core()
    try core.configure([model()])
    core.polled("m", found: found(1))
    #expect(core.actions(now: start) == [load(1)])
    #expect(core.actions(now: start).isEmpty, "a load that runs is not begun again")
    core.finishLoad(id(1), failure: nil, now: start)
    #expect(core.available(of: "m") == [1])

    core.polled("m", found: found(1, 2))
    #expect(core.actions(now: start) == [load(2)])
    #expect(core.available(of: "m") == [1])
    core.finishLoad(id(2), failure: nil, now: start)
    #expect(core.available(of: "m") == [2, 1])
    #expect(core.actions(now: start) == [unload(1)])
    #expect(phases(core) == [1: .unloading, 2: .available])
    core.finishUnload(id(1))
    #expect(phases(core) == [1: .end, 2: .available])
    #expect(core.actions(now: start).isEmpty)
  }

  @Test("the old version stays when the new one cannot be loaded")
  func failedReplacement() throws {
    var core = core { $0.maxLoadRetries = 0 }
    try core.configure([model()])
    core.polled("m", found: found(1))
    _ = core.actions(now: start)
    core.finishLoad(id(1), failure: nil, now: start)
    core.polled("m", found: found(1, 2))
    _ = core.actions(now: start)
    core.finishLoad(id(2), failure: "broken", now: start)
    #expect(core.actions(now: start).isEmpty)
    #expect(
      core.states(of: "m") == [
        VersionState(version: 2, phase: .end, failure: "broken"), VersionState(version: 1, phase: .available),
      ])
    // A third version replaces both.
    core.polled("m", found: found(1, 2, 3))
    #expect(core.actions(now: start) == [load(3)])
    core.finishLoad(id(3), failure: nil, now: start)
    #expect(core.actions(now: start) == [unload(1)])
  }

  @Test("loads are retried after the interval, so often and not more")
  func retries() throws {
    var core = core {
      $0.maxLoadRetries = 2
      $0.loadRetryInterval = .seconds(60)
    }
    try core.configure([model()])
    core.polled("m", found: found(1))
    #expect(core.actions(now: start) == [load(1)])
    #expect(core.finishLoad(id(1), failure: "no", now: start) == 2)
    #expect(core.nextRetry == start + .seconds(60))
    #expect(core.actions(now: start + .seconds(59)).isEmpty)
    #expect(phases(core) == [1: .loading])
    #expect(core.actions(now: start + .seconds(60)) == [load(1)])
    #expect(core.nextRetry == nil)
    #expect(core.finishLoad(id(1), failure: "no", now: start + .seconds(61)) == 1)
    #expect(core.actions(now: start + .seconds(121)) == [load(1)])
    #expect(!core.isSettled("m"))
    #expect(core.finishLoad(id(1), failure: "never", now: start + .seconds(122)) == 0)
    #expect(core.states(of: "m") == [VersionState(version: 1, phase: .end, failure: "never")])
    #expect(core.isSettled("m"))
    #expect(core.reasonForAbsence(of: "m") == "never")
    #expect(core.actions(now: start + .seconds(9999)).isEmpty)
    // Not tried again as long as it is there; once it has been away it is.
    core.polled("m", found: found(1))
    #expect(core.actions(now: start + .seconds(9999)).isEmpty)
    core.polled("m", found: found())
    core.polled("m", found: found(1))
    #expect(core.actions(now: start + .seconds(9999)) == [load(1)])
  }

  @Test("a version that waits for its retry and is not wanted any more ends at once")
  func retryGivenUp() throws {
    var core = core()
    try core.configure([model()])
    core.polled("m", found: found(1))
    _ = core.actions(now: start)
    core.finishLoad(id(1), failure: "no", now: start)
    core.polled("m", found: found(2))
    #expect(phases(core) == [1: .end, 2: .start])
    #expect(core.actions(now: start + .seconds(60)) == [load(2)])
  }

  @Test("when all versions disappear the model is unloaded; when the directory does, nothing changes")
  func disappearance() throws {
    var core = core()
    try core.configure([model()])
    core.polled("m", found: found(1))
    _ = core.actions(now: start)
    core.finishLoad(id(1), failure: nil, now: start)
    core.polled("m", found: .failure(.unreadableBasePath(path: "/m", reason: "gone")))
    #expect(core.actions(now: start).isEmpty)
    #expect(core.available(of: "m") == [1])
    core.polled("m", found: found())
    #expect(core.actions(now: start) == [unload(1)])
    core.finishUnload(id(1))
    #expect(core.reasonForAbsence(of: "m")?.contains("Did you forget to name your leaf directory as a number") == true)
  }

  @Test("a version that is wanted again while it is being unloaded is loaded anew")
  func changeOfMind() throws {
    var core = core()
    try core.configure([model("m", .all)])
    core.polled("m", found: found(1, 2))
    _ = core.actions(now: start)
    core.finishLoad(id(1), failure: nil, now: start)
    core.finishLoad(id(2), failure: nil, now: start)
    core.polled("m", found: found(2))
    #expect(core.actions(now: start) == [unload(1)])
    core.polled("m", found: found(1, 2))
    #expect(core.actions(now: start).isEmpty)
    core.finishUnload(id(1))
    #expect(core.actions(now: start) == [load(1)])
  }

  @Test("no more loads run at once than may, highest versions first")
  func loadLimit() throws {
    var core = core { $0.loadLimit = 2 }
    try core.configure([model("a", .all), model("b", .all)])
    core.polled("a", found: found(1, 2, of: "a"))
    core.polled("b", found: found(5, of: "b"))
    #expect(core.actions(now: start) == [load(2, of: "a"), load(1, of: "a")])
    #expect(core.actions(now: start).isEmpty)
    core.finishLoad(id(1, of: "a"), failure: nil, now: start)
    #expect(core.actions(now: start) == [load(5, of: "b")])
  }

  @Test("models off the list are unloaded, and what became of them is remembered")
  func removal() throws {
    var core = core()
    try core.configure([model("a"), model("b")])
    core.polled("a", found: found(1, of: "a"))
    core.polled("b", found: found(1, of: "b"))
    _ = core.actions(now: start)
    core.finishLoad(id(1, of: "a"), failure: nil, now: start)
    core.finishLoad(id(1, of: "b"), failure: nil, now: start)
    try core.configure([model("b")])
    #expect(core.actions(now: start) == [unload(1, of: "a")])
    core.finishUnload(id(1, of: "a"))
    #expect(core.states(of: "a") == [VersionState(version: 1, phase: .end)])
    #expect(core.configurations.map(\.name) == ["b"])
    #expect(core.states(of: "c") == nil)
  }

  @Test("lists that make no sense change nothing")
  func invalidLists() throws {
    var core = core()
    try core.configure([model("a")])
    var relative = model("b")
    relative.basePath = "models/b"
    var foreign = model("b")
    foreign.platform = "caffe"
    var changed = model("a")
    changed.platform = "onnx"
    let cases: [([ModelConfiguration], ReloadError)] = [
      ([model("b"), model("b")], .duplicateModel(name: "b")),
      ([relative], .relativeBasePath(model: "b", path: "models/b")),
      ([foreign], .unsupportedPlatform(model: "b", platform: "caffe")),
      ([changed], .platformChanged(model: "a")),
    ]
    for (list, expected) in cases {
      #expect(throws: expected) { try core.configure(list) }
      #expect(core.configurations == [model("a")])
    }
  }

  @Test("labels name available versions only, unless new ones may name others")
  func labels() throws {
    var strict = core()
    try strict.configure([model("m", .all, labels: ["stable": 1])])
    strict.polled("m", found: found(1, 2))
    _ = strict.actions(now: start)
    #expect(throws: ReloadError.labelUnavailable(label: "stable", version: 1, model: "m")) { try strict.applyLabels() }
    strict.finishLoad(id(1), failure: nil, now: start)
    try strict.applyLabels()
    #expect(strict.labels(of: "m") == ["stable": 1])
    // All or none: the labels stay as they were.
    try strict.configure([model("m", .all, labels: ["stable": 1, "canary": 2])])
    #expect(throws: ReloadError.labelUnavailable(label: "canary", version: 2, model: "m")) { try strict.applyLabels() }
    #expect(strict.labels(of: "m") == ["stable": 1])

    var lenient = core { $0.allowsLabelsForUnavailableVersions = true }
    try lenient.configure([model("m", labels: ["stable": 7])])
    try lenient.applyLabels()
    #expect(lenient.labels(of: "m") == ["stable": 7])
    try lenient.configure([model("m", labels: ["stable": 8])])
    #expect(throws: ReloadError.labelUnavailable(label: "stable", version: 8, model: "m")) { try lenient.applyLabels() }
  }

  @Test("ended versions are remembered, but not without end")
  func memory() throws {
    var core = core()
    try core.configure([model()])
    for version in 1...Int64(3 * RepositoryCore.endedVersionLimit) {
      core.polled("m", found: found(version))
      for action in core.actions(now: start) {
        if case .load(let id, _) = action { core.finishLoad(id, failure: nil, now: start) }
      }
      for action in core.actions(now: start) { if case .unload(let id) = action { core.finishUnload(id) } }
    }
    let states = try #require(core.states(of: "m"))
    #expect(states.count <= RepositoryCore.endedVersionLimit + 2)
    #expect(states.first?.phase == .available)
  }

  /// Random deployments and random outcomes; what must hold at every step and at the end.
  @Test("whatever happens, availability is preserved and the wanted versions come up in the end", arguments: 0..<200)
  func properties(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    var core = core { $0.loadLimit = 2 }
    try core.configure([model("m", [.latest(count: 1), .latest(count: 2), .all].randomElement(using: &random)!)])
    var now = start
    var running: [ServableID] = []
    var unloading: [ServableID] = []
    var onDisk: Set<Int64> = [1]
    var hasServed = false

    func perform(_ actions: [RepositoryCore.Action]) {
      for action in actions {
        switch action {
        case .load(let id, _):
          #expect(!running.contains(id) && !unloading.contains(id))
          running.append(id)
        case .unload(let id): unloading.append(id)
        }
      }
      #expect(running.count <= 2)
    }

    for step in 0..<200 {
      switch Int.random(in: 0..<6, using: &random) {
      case 0: onDisk.insert(Int64.random(in: 1...9, using: &random))
      case 1 where onDisk.count > 1: onDisk.remove(onDisk.sorted().randomElement(using: &random)!)
      case 2:
        core.polled("m", found: .success(Dictionary(uniqueKeysWithValues: onDisk.map { ($0, "/m/\($0)") })))
      case 3 where !running.isEmpty:
        let id = running.remove(at: Int.random(in: 0..<running.count, using: &random))
        core.finishLoad(id, failure: Int.random(in: 0..<4, using: &random) == 0 ? "bad luck" : nil, now: now)
      case 4 where !unloading.isEmpty:
        core.finishUnload(unloading.remove(at: Int.random(in: 0..<unloading.count, using: &random)))
      default: now += .seconds(30)
      }
      perform(core.actions(now: now))
      let serves = !core.available(of: "m").isEmpty
      #expect(serves || !hasServed, "step \(step): nothing is available any more")
      hasServed = hasServed || serves
    }

    // Nothing fails any more: after a while exactly what is wanted is available.
    core.polled("m", found: found(20))
    core.polled("m", found: found(20, 21, 22))
    for _ in 0..<20 {
      for id in running { core.finishLoad(id, failure: nil, now: now) }
      for id in unloading { core.finishUnload(id) }
      (running, unloading) = ([], [])
      now += .seconds(60)
      perform(core.actions(now: now))
    }
    let wanted = core.configurations[0].versionPolicy.choice(of: [20, 21, 22])
    #expect(core.available(of: "m") == wanted)
    #expect(core.isSettled("m"))
  }
}
