import Dispatch
import Foundation
import ModelGraph
import ServingFixtures
import Synchronization
import Testing

@testable import Serving

@Suite("The model repository")
struct ModelRepositoryTests {
  /// y = x / 2 + version.
  private static func bytes(version: Int64) -> [UInt8] { TinyModel.affine(scale: 0.5, offset: Float(version)) }

  private func repository(
    warmUp: @escaping ModelRepository.WarmUp = { _, _ in },
    onEvent: @escaping @Sendable (RepositoryEvent) -> Void = { _ in },
    options change: (inout ModelRepository.Options) -> Void = { _ in }
  ) -> ModelRepository {
    var options = ModelRepository.Options()
    options.polling = .once
    options.maxLoadRetries = 0
    options.reloadTimeout = .seconds(60)
    change(&options)
    return ModelRepository(loader: ModelServable.Loader(), options: options, warmUp: warmUp, onEvent: onEvent)
  }

  private func reload(_ repository: ModelRepository, _ models: [ModelConfiguration]) throws {
    let done = DispatchSemaphore(value: 0)
    let outcome = Mutex<Result<Void, ReloadError>?>(nil)
    repository.reload(models) { result in
      outcome.withLock { $0 = result }
      done.signal()
    }
    #expect(done.wait(timeout: .now() + 120) == .success)
    try outcome.withLock { try $0?.get() }
  }

  private func answer(_ model: ServedModel, _ x: [Float] = [2, 4]) throws -> [Float] {
    let outputs = try model.servable.answer(["x": Tensor(x, shape: [x.count])], count: x.count)
    return try #require(outputs["y"]).floats
  }

  @Test("serves versions by number, by label and the highest, and says what is not there")
  func lookUps() throws {
    let directory = try ModelDirectory()
    for version in [1, 2, 3] as [Int64] { try directory.add(version: "\(version)", Self.bytes(version: version)) }
    let repository = repository()
    let all = ModelConfiguration(
      name: "m", basePath: directory.path, versionPolicy: .specific([1, 3]), labels: ["stable": 1, "canary": 3])
    try reload(repository, [all])
    #expect(try answer(repository.model(named: "m", version: .latest)) == [4, 5])
    #expect(try answer(repository.model(named: "m", version: .specific(1))) == [2, 3])
    #expect(try answer(repository.model(named: "m", version: .label("stable"))) == [2, 3])
    #expect(try repository.model(named: "m", version: .label("canary")).id == ServableID(name: "m", version: 3))
    #expect(throws: ServingError.versionNotFound(name: "m", version: 2)) {
      try repository.model(named: "m", version: .specific(2))
    }
    #expect(throws: ServingError.labelNotFound(name: "m", label: "beta")) {
      try repository.model(named: "m", version: .label("beta"))
    }
    #expect(throws: ServingError.labelNotFound(name: "n", label: "beta")) {
      try repository.model(named: "n", version: .label("beta"))
    }
    #expect(throws: ServingError.modelNotFound(name: "n")) { try repository.model(named: "n", version: .latest) }
    #expect(
      try repository.versionStates(of: "m", version: nil)
        == [VersionState(version: 3, phase: .available), VersionState(version: 1, phase: .available)])
    #expect(throws: ServingError.versionNotFound(name: "m", version: 2)) {
      try repository.versionStates(of: "m", version: 2)
    }
    #expect(throws: ServingError.modelNotFound(name: "n")) { try repository.versionStates(of: "n", version: nil) }
    #expect(repository.isReady)
    #expect(repository.shutDown(timeout: .seconds(60)))
  }

  @Test("a version is unloaded only when the last request that uses it has ended")
  func useKeepsAlive() throws {
    let directory = try ModelDirectory()
    try directory.add(version: "1", Self.bytes(version: 1))
    let unloaded = DispatchSemaphore(value: 0)
    let events = Mutex<[String]>([])
    let repository = repository(onEvent: { event in
      events.withLock { $0.append(event.description) }
      if case .unloaded = event { unloaded.signal() }
    })
    let model = ModelConfiguration(name: "m", basePath: directory.path)
    try reload(repository, [model])
    var held: ServedModel? = try repository.model(named: "m", version: .latest)
    try directory.add(version: "2", Self.bytes(version: 2))
    try reload(repository, [model])
    #expect(try repository.model(named: "m", version: .latest).id.version == 2)
    #expect(throws: ServingError.self) { try repository.model(named: "m", version: .specific(1)) }
    #expect(try repository.versionStates(of: "m", version: 1).map(\.phase) == [.unloading])
    #expect(try answer(#require(held)) == [2, 3])
    #expect(events.withLock { $0.filter { $0.hasPrefix("unloaded") } }.isEmpty)
    held = nil
    #expect(unloaded.wait(timeout: .now() + 60) == .success)
    #expect(try repository.versionStates(of: "m", version: 1).map(\.phase) == [.end])
    #expect(repository.shutDown(timeout: .seconds(60)))
  }

  @Test("a new list unloads what is not on it, and an empty one everything")
  func reloads() throws {
    let (a, b) = (try ModelDirectory(), try ModelDirectory())
    try a.add(version: "1", Self.bytes(version: 1))
    try b.add(version: "1", Self.bytes(version: 1))
    let repository = repository()
    let (first, second) = (
      ModelConfiguration(name: "a", basePath: a.path), ModelConfiguration(name: "b", basePath: b.path)
    )
    try reload(repository, [first])
    try reload(repository, [second])
    #expect(throws: ServingError.modelNotFound(name: "a")) { try repository.model(named: "a", version: .latest) }
    #expect(try answer(repository.model(named: "b", version: .latest)) == [2, 3])
    #expect(throws: ReloadError.duplicateModel(name: "a")) { try reload(repository, [first, first]) }
    #expect(repository.configurations == [second])
    try reload(repository, [])
    #expect(throws: ServingError.modelNotFound(name: "b")) { try repository.model(named: "b", version: .latest) }
    #expect(repository.shutDown(timeout: .seconds(60)))
  }

  @Test("a reload says which models did not come up, and why")
  func failures() throws {
    let (broken, empty) = (try ModelDirectory(), try ModelDirectory())
    try broken.add(version: "1", Array("this is no model".utf8))
    let repository = repository()
    let error = #expect(throws: ReloadError.self) {
      try reload(
        repository,
        [
          ModelConfiguration(name: "broken", basePath: broken.path),
          ModelConfiguration(name: "empty", basePath: empty.path),
          ModelConfiguration(name: "missing", basePath: "/nowhere/at/all"),
        ])
    }
    guard case .notAvailable(let reasons) = error else {
      Issue.record("expected reasons, got \(String(describing: error))")
      return
    }
    #expect(Set(reasons.keys) == ["broken", "empty", "missing"])
    #expect(reasons["broken"]?.contains("byte 0") == true || reasons["broken"]?.isEmpty == false)
    #expect(reasons["empty"]?.hasPrefix("No versions of servable empty found under base path") == true)
    #expect(reasons["missing"] == "Could not find base path /nowhere/at/all: No such file or directory")
    #expect(try repository.versionStates(of: "broken", version: nil).first?.phase == .end)
    #expect(try repository.versionStates(of: "broken", version: 1).first?.failure == reasons["broken"])
    #expect(!repository.isReady)
    #expect(repository.shutDown(timeout: .seconds(60)))
  }

  @Test("new versions are found without being told")
  func polling() throws {
    let directory = try ModelDirectory()
    try directory.add(version: "1", Self.bytes(version: 1))
    let loaded = DispatchSemaphore(value: 0)
    let repository = repository(
      onEvent: { if case .loaded = $0 { loaded.signal() } },
      options: {
        $0.polling = .every(.milliseconds(5))
      })
    try reload(repository, [ModelConfiguration(name: "m", basePath: directory.path)])
    #expect(loaded.wait(timeout: .now() + 60) == .success)
    try directory.add(version: "2", Self.bytes(version: 2))
    #expect(loaded.wait(timeout: .now() + 60) == .success)
    #expect(repository.shutDown(timeout: .seconds(60)))
    #expect(throws: ServingError.modelNotFound(name: "m")) { try repository.model(named: "m", version: .latest) }
  }

  @Test("a failed load is tried again and may succeed")
  func retries() throws {
    let directory = try ModelDirectory()
    try directory.add(version: "1", file: "notes.txt", [])
    let events = Mutex<[String]>([])
    let repository = repository(
      onEvent: { event in
        events.withLock { $0.append(event.description) }
        if case .loadFailed = event {
          try? Data(Self.bytes(version: 1)).write(to: URL(fileURLWithPath: "\(directory.path)/1/model.onnx"))
        }
      },
      options: {
        $0.maxLoadRetries = 3
        $0.loadRetryInterval = .milliseconds(1)
      })
    try reload(repository, [ModelConfiguration(name: "m", basePath: directory.path)])
    #expect(try answer(repository.model(named: "m", version: .latest)) == [2, 3])
    #expect(events.withLock { $0.contains { $0.hasSuffix("3 more tries") } })
    #expect(repository.shutDown(timeout: .seconds(60)))
  }

  @Test("a version is warmed up before it is available, and a failing warm-up fails the load")
  func warmUp() throws {
    struct Cold: Error {}
    let directory = try ModelDirectory()
    try directory.add(version: "1", Self.bytes(version: 1))
    let answers = Mutex<[[Float]]>([])
    let holder = Mutex<ModelRepository?>(nil)
    let repository = repository(warmUp: { model, files in
      let y = try model.servable.answer(["x": Tensor([8] as [Float], shape: [1])], count: 1)["y"]!.floats
      answers.withLock { $0.append(y) }
      let visible = holder.withLock { try? $0?.model(named: "m", version: .specific(model.id.version)) }
      #expect(visible == nil, "available before it was warm")
      if files.directory.hasSuffix("2") { throw Cold() }
    })
    holder.withLock { $0 = repository }
    let model = ModelConfiguration(name: "m", basePath: directory.path)
    try reload(repository, [model])
    #expect(answers.withLock { $0 } == [[5]])
    try directory.add(version: "2", Self.bytes(version: 2))
    try reload(repository, [model])
    #expect(answers.withLock { $0 } == [[5], [6]])
    #expect(try repository.model(named: "m", version: .latest).id.version == 1)
    #expect(try repository.versionStates(of: "m", version: 2).first?.failure == "Cold()")
    #expect(repository.shutDown(timeout: .seconds(60)))
  }

  @Test("a reload's wait has an end")
  func boundedReload() throws {
    let directory = try ModelDirectory()
    try directory.add(version: "1", file: "notes.txt", [])
    let repository = repository(options: {
      $0.maxLoadRetries = 5
      $0.loadRetryInterval = .seconds(600)
      $0.reloadTimeout = .milliseconds(20)
    })
    #expect(throws: ReloadError.timedOut(seconds: 0)) {
      try reload(repository, [ModelConfiguration(name: "m", basePath: directory.path)])
    }
    #expect(repository.shutDown(timeout: .seconds(60)))
    #expect(throws: ReloadError.shuttingDown) { try reload(repository, []) }
  }

  @Test("shutting down waits for requests in flight, and no longer than it may")
  func shutDown() throws {
    let directory = try ModelDirectory()
    try directory.add(version: "1", Self.bytes(version: 1))
    let repository = repository()
    try reload(repository, [ModelConfiguration(name: "m", basePath: directory.path)])
    var held: ServedModel? = try repository.model(named: "m", version: .latest)
    #expect(!repository.shutDown(timeout: .milliseconds(20)))
    #expect(try answer(#require(held)) == [2, 3])
    held = nil
    #expect(repository.shutDown(timeout: .seconds(60)))
  }

  /// Two real models behind one name, the higher version going and coming while clients ask: every answer must be there,
  /// and be that of the version that the client was told.
  @Test("versions swapped under load lose no request and mix up no answer")
  func swapUnderLoad() throws {
    let workloads = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Workloads").path
    let directory = try ModelDirectory()
    let files = [1: "vtest-efficientnet-lite0.onnx", 2: "vtest-resnet18.onnx"].mapValues { "\(workloads)/\($0)" }
    try directory.add(version: "1", linkingTo: files[1]!)

    var inputs: [Int64: [String: Tensor]] = [:]
    var expected: [Int64: [[UInt8]]] = [:]
    for (version, path) in files {
      let servable = try ModelServable(path: path)
      let spec = try #require(servable.signature.inputs.first)
      let shape = try #require(spec.shape).enumerated().map { $0 == 0 ? 1 : $1 ?? 1 }
      var random = SplitMix64(seed: 5)
      let pixels = (0..<shape.elementCount).map { _ in Float.random(in: 0...1, using: &random) }
      inputs[Int64(version)] = [spec.name: Tensor(pixels, shape: shape)]
      expected[Int64(version)] = try Self.bits(servable.answer(inputs[Int64(version)]!, count: 1))
    }
    #expect(expected[1] != expected[2])

    let transitions = DispatchSemaphore(value: 0)
    let repository = repository(onEvent: { event in
      switch event {
      case .loaded, .unloaded: transitions.signal()
      default: break
      }
    })
    let model = ModelConfiguration(name: "m", basePath: directory.path)
    try reload(repository, [model])
    transitions.wait()

    let isOver = Mutex(false)
    let seen = Mutex<[Int64: Int]>([:])
    let problems = Mutex<Set<String>>([])
    let clients = DispatchGroup()
    let hasAnswered = DispatchSemaphore(value: 0)
    for _ in 0..<2 {
      DispatchQueue.global().async(group: clients) { [inputs, expected] in
        while !isOver.withLock({ $0 }) {
          do {
            let model = try repository.model(named: "m", version: .latest)
            let answer = try Self.bits(model.servable.answer(inputs[model.id.version]!, count: 1))
            if answer != expected[model.id.version] {
              _ = problems.withLock { $0.insert("wrong answer from \(model.id)") }
            }
            seen.withLock { $0[model.id.version, default: 0] += 1 }
          } catch {
            _ = problems.withLock { $0.insert("\(error)") }
          }
          hasAnswered.signal()
        }
      }
    }
    /// However slow clients are, each version that is served gets its requests.
    func waitForAnswer(of version: Int64) {
      let before = seen.withLock { $0[version, default: 0] }
      while seen.withLock({ $0[version, default: 0] }) == before, problems.withLock({ $0.isEmpty }) {
        guard hasAnswered.wait(timeout: .now() + 60) == .success else { return }
      }
    }
    // Version 2 comes and goes. Each way one version is loaded and the other is unloaded.
    for _ in 0..<3 {
      waitForAnswer(of: 1)
      try directory.add(version: "2", linkingTo: files[2]!)
      repository.poll()
      for _ in 0..<2 { #expect(transitions.wait(timeout: .now() + 60) == .success) }
      waitForAnswer(of: 2)
      try directory.remove(version: "2")
      repository.poll()
      for _ in 0..<2 { #expect(transitions.wait(timeout: .now() + 60) == .success) }
    }
    isOver.withLock { $0 = true }
    #expect(clients.wait(timeout: .now() + 60) == .success)
    #expect(problems.withLock { $0 }.isEmpty)
    let counts = seen.withLock { $0 }
    #expect(counts[1, default: 0] > 0 && counts[2, default: 0] > 0, "\(counts)")
    #expect(repository.shutDown(timeout: .seconds(60)))
  }

  private static func bits(_ outputs: [String: Tensor]) -> [[UInt8]] {
    outputs.sorted { $0.key < $1.key }.map { $0.value.storage.withUnsafeBytes { Array($0) } }
  }
}
