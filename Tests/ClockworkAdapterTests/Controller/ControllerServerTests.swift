import Foundation
import Synchronization
import Testing
import Wire

@testable import ClockworkAdapter

/// Clients, a controller and workers together.
@Suite struct ControllerServerTests {
  private final class Cluster {
    let models: TinyModels
    let workers: [WorkerServer]
    let controller: ControllerServer
    let client: ClockworkClient
    let log = Lines()

    init(
      workers count: Int = 1, asksForItems: Bool = true, configure: (inout WorkerConfiguration) -> Void = { _ in },
      early: @escaping @Sendable (Int) -> [Int] = { _ in [] }
    ) throws {
      let (models, log) = (try TinyModels(), log)
      try models.addClassifier("tiny")
      self.models = models
      workers = try (0..<count).map { _ in
        var configuration = WorkerConfiguration(modelRoot: models.root.path)
        configuration.host = "127.0.0.1"
        configuration.port = 0
        configuration.maxBatchSize = 4
        configuration.pageSize = 1 << 12
        configuration.weightsCacheSize = 1 << 20
        configuration.stateDelay = .zero
        configure(&configuration)
        return try WorkerServer(configuration: configuration, log: { log.add($0) }) { files, _ in
          try LoadedServable(path: files.directory + "/model.onnx", earlyItems: early)
        }
      }
      var configuration = ControllerConfiguration(
        workers: workers.map { .init(host: "127.0.0.1", port: $0.port) })
      configuration.host = "127.0.0.1"
      configuration.clientPort = 0
      configuration.asksForItemResults = asksForItems
      // The machine may be busy with other tests: answers count here, not their times.
      configuration.defaultSLO = .seconds(30)
      configuration.scheduleAhead = .seconds(5)
      controller = try ControllerServer(configuration: configuration, log: { log.add($0) })
      client = try ClockworkClient(host: "127.0.0.1", port: controller.port)
    }

    deinit {
      client.close()
      controller.stop()
      for worker in workers { worker.stop() }
    }

    /// Sends inferences at once and waits for all.
    func infer(_ requests: [(model: UInt32, input: [UInt8])]) throws -> [Result<[UInt8], ClockworkError>] {
      let results = Mutex<[Int: Result<[UInt8], ClockworkError>]>([:])
      let isDone = Box<Bool>()
      for (index, request) in requests.enumerated() {
        client.infer(model: request.model, input: request.input) { result in
          let count = results.withLock { results in
            results[index] = result
            return results.count
          }
          if count == requests.count { isDone.put(true) }
        }
      }
      guard isDone.wait(60) == true else {
        throw Unexpected("\(results.withLock { $0.count }) of \(requests.count) answers")
      }
      return requests.indices.compactMap { index in results.withLock { $0[index] } }
    }
  }

  private static func inputs(_ count: Int) -> [[UInt8]] {
    let all = TinyModels.inputs(count)
    return (0..<count).map { Array(all[($0 * 32)..<($0 * 32 + 32)]) }
  }

  @Test(arguments: [true, false])
  func clientsGetTheModelsAnswers(_ asksForItems: Bool) throws {
    let cluster = try Cluster(asksForItems: asksForItems, early: { $0 > 2 ? [1] : [] })
    let model = try cluster.client.load("/zoo/tiny/model", copies: 2)
    #expect(model.ids == 0..<2)
    #expect(model.inputSize == 32)
    #expect(model.outputSize == 16)
    let inputs = Self.inputs(40)
    let expected = try cluster.models.expected("tiny", inputs.flatMap { $0 })
    let answers = try cluster.infer(inputs.enumerated().map { (UInt32($0 % 2), $1) })
    for (index, answer) in answers.enumerated() {
      #expect(try answer.get() == Array(expected[(index * 16)..<(index * 16 + 16)]))
    }
    #expect(cluster.controller.violations == [])
  }

  @Test func listsWhatCanBeUsed() throws {
    let cluster = try Cluster()
    #expect(try cluster.client.list() == nil, "still initializing")
    _ = try cluster.client.load("tiny", copies: 3)
    let listed = try #require(try cluster.client.list())
    #expect(listed.map(\.path) == ["tiny", "tiny", "tiny"])
    #expect(listed.map(\.model.ids.lowerBound) == [0, 1, 2])
  }

  @Test func refusesWhatItDoesNotDo() throws {
    let cluster = try Cluster()
    #expect(throws: ClockworkError.self) { try cluster.client.load("nothing") }
    _ = try cluster.client.load("tiny")
    #expect(throws: ClockworkError.refused(status: 1, message: "Invalid model ID 5")) {
      try cluster.infer([(5, Self.inputs(1)[0])])[0].get()
    }
    for request: ClockworkRequest in [
      .evict(.init(modelID: 0)),
      .uploadModel(.init(batchSize: 1, objectByteCount: 0, clockworkByteCount: 0, parameterByteCount: 0)),
    ] { #expect(throws: ClockworkError.self) { try cluster.client.call(request, within: 20) } }
    #expect(try cluster.infer([(0, [])]).map { try $0.get() } == [[]], "no input, no output")
    // An input that does not decompress is the worker's to find.
    let box = Box<ClockworkError?>()
    cluster.client.send(.infer(.init(modelID: 0)), body: [1, 2, 3]) { result in
      if case .failure(let error) = result { box.put(error) } else { box.put(nil) }
    }
    guard case .refused(78, _)?? = box.wait(20) else { throw Unexpected("no error 78") }
  }

  /// Many more models than there is room for, on two workers: weights come and go.
  @Test func modelsTakeTurnsInTheCache() throws {
    let cluster = try Cluster(workers: 2) { $0.weightsCacheSize = 3 << 12 }
    let model = try cluster.client.load("tiny", copies: 12)
    let inputs = Self.inputs(12)
    let expected = try cluster.models.expected("tiny", inputs.flatMap { $0 })
    for round in 0..<4 {
      let answers = try cluster.infer(model.ids.map { ($0, inputs[Int(($0 + UInt32(round)) % 12)]) })
      for (index, answer) in answers.enumerated() {
        let item = (index + round) % 12
        #expect(try answer.get() == Array(expected[(item * 16)..<(item * 16 + 16)]))
      }
    }
    #expect(cluster.controller.violations == [])
    #expect(cluster.controller.workerCount == 2)
  }

  @Test func requestsFailWhenTheWorkerIsGone() throws {
    let cluster = try Cluster()
    _ = try cluster.client.load("tiny")
    cluster.workers[0].stop()
    #expect(throws: ClockworkError.self) { try cluster.infer([(0, Self.inputs(1)[0])])[0].get() }
  }

  @Test func aNewControllerTakesOver() throws {
    let cluster = try Cluster()
    _ = try cluster.client.load("tiny")
    _ = try cluster.infer([(0, Self.inputs(1)[0])])
    cluster.controller.stop()
    var configuration = ControllerConfiguration(workers: [.init(host: "127.0.0.1", port: cluster.workers[0].port)])
    configuration.host = "127.0.0.1"
    configuration.clientPort = 0
    configuration.defaultSLO = .seconds(30)
    configuration.scheduleAhead = .seconds(5)
    let second = try ControllerServer(configuration: configuration, log: { _ in })
    defer { second.stop() }
    let client = try ClockworkClient(host: "127.0.0.1", port: second.port)
    defer { client.close() }
    #expect(try client.list()?.count == 1, "the worker has kept its models")
    let box = Box<Result<[UInt8], ClockworkError>>()
    client.infer(model: 0, input: Self.inputs(1)[0]) { box.put($0) }
    #expect(try box.wait(30)?.get().count == 16)
    #expect(try client.load("tiny").ids == 1..<2, "ids go on above those in use")
  }

  /// A worker that answers everything twice.
  private final class Liar: FrameReceiver {
    func receive(_ frame: IncomingFrame, over link: FrameLink) throws {
      let action = try frame.header.withUnsafeBytes { try ClockworkAction(frameType: frame.type, header: $0) }
      let gpu = ClockworkWorkerState.GPU(
        id: 0, weightsCacheSize: 100, weightsCachePages: 10, models: [], ioPoolSize: 0, workspacePoolSize: 0)
      let state = ClockworkWorkerState(
        pageSize: 10, hostWeightsCacheSize: .max, hostIOPoolSize: 0, gpus: [gpu], models: [])
      let result = ClockworkResult.getWorkerState(
        .init(actionID: action.actionID, state: state, actionReceived: 1, resultSent: 1))
      for _ in 0..<2 { link.send(OutgoingFrame(type: result.frameType, header: result.serialized())) }
    }

    func linkEnded(_ link: FrameLink, because error: (any Error)?) {}
  }

  @Test func aWorkerThatBreaksTheProtocolIsLost() throws {
    let links = Mutex<[FrameLink]>([])
    let rules = FrameRules(what: "an action", types: 1...6, hasBody: { $0 == 3 })
    let listener = try TCPListener(host: "127.0.0.1", port: 0, name: "liar") { socket in
      let link = FrameLink(socket, rules: rules, clock: NodeClock(), name: "liar", receiver: Liar())
      links.withLock { $0.append(link) }
    }
    defer { listener.stop() }
    let ended = Box<String>()
    let link = try WorkerLink(host: "127.0.0.1", port: listener.port, clock: NodeClock()) { error in
      ended.put(error.map { "\($0)" } ?? "in good order")
    }
    _ = try link.call { .getWorkerState(.init(actionID: $0)) }
    #expect(ended.wait(30)?.contains("has been answered") == true)
  }

  @Test func aControllerNeedsItsWorkers() {
    var configuration = ControllerConfiguration(workers: [.init(host: "127.0.0.1", port: 1)])
    configuration.connectTime = .milliseconds(100)
    #expect(throws: ClockworkError.self) { try ControllerServer(configuration: configuration, log: { _ in }) }
    #expect(throws: ClockworkError.self) {
      try ControllerServer(configuration: ControllerConfiguration(workers: []), log: { _ in })
    }
  }

  @Test(arguments: [("a:1", true), ("a", true), ("a:0", false), ("a:70000", false), (":1", false), ("a:b:c", false)])
  func readsAddresses(_ text: String, _ isGood: Bool) {
    #expect((ControllerConfiguration.WorkerAddress(text) != nil) == isGood)
  }
}
