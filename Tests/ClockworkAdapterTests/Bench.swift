import Foundation
import Serving
import Synchronization
import Testing
import Wire

@testable import ClockworkAdapter

/// A worker with real models on the first device, and a strict controller's link to it.
final class Bench {
  let models: TinyModels
  let server: WorkerServer
  let log = Lines()
  /// Holds up every batch while it is closed.
  let gate = Gate()
  let clock: NodeClock
  private(set) var link: WorkerLink

  /// - Parameters:
  ///   - workerOffset: of the worker's clock from the controller's.
  ///   - early: items that are answered before the device has begun, given the batch's size.
  init(
    workerOffset: Duration = .zero, configure: (inout WorkerConfiguration) -> Void = { _ in },
    early: @escaping @Sendable (Int) -> [Int] = { _ in [] }
  ) throws {
    let (models, gate, log) = (try TinyModels(), gate, log)
    try models.addClassifier("tiny")
    self.models = models
    var configuration = WorkerConfiguration(modelRoot: models.root.path)
    configuration.host = "127.0.0.1"
    configuration.port = 0
    configuration.maxBatchSize = 4
    configuration.pageSize = 1 << 12
    configuration.weightsCacheSize = 1 << 20
    configuration.stateDelay = .zero
    configure(&configuration)
    server = try WorkerServer(
      configuration: configuration, clock: NodeClock(offset: workerOffset), log: { log.add($0) }
    ) { files, _ in
      try LoadedServable(path: files.directory + "/model.onnx", earlyItems: early, gate: { gate.pass() })
    }
    clock = NodeClock()
    link = try WorkerLink(host: "127.0.0.1", port: server.port, clock: clock)
  }

  deinit {
    gate.open()
    link.close()
    server.stop()
  }

  func reconnect() throws {
    link.close()
    #expect(link.waitUntilEnded(.seconds(10)))
    link = try WorkerLink(host: "127.0.0.1", port: server.port, clock: clock)
  }

  // MARK: Actions

  func call(
    body: [UInt8] = [], _ action: (Int32) -> ClockworkAction
  ) throws -> (result: ClockworkResult, body: [UInt8]) {
    let answer = try link.call(body: body, action)
    return (answer.result, answer.body.withUnsafeBytes { Array($0) })
  }

  /// The error's status; 0 for a success.
  func status(body: [UInt8] = [], _ action: (Int32) -> ClockworkAction) throws -> Int32 {
    if case .error(let failure) = try call(body: body, action).result { failure.status } else { 0 }
  }

  @discardableResult
  func state() throws -> ClockworkWorkerState {
    guard case .getWorkerState(let result) = try call({ .getWorkerState(.init(actionID: $0)) }).result else {
      throw Unexpected("no state")
    }
    return result.state
  }

  /// Introduces the two clocks, loads a model under an id, and its weights to GPU 0.
  @discardableResult
  func load(
    _ name: String = "tiny", as model: Int32 = 0, copies: Int32 = 1, weights: Bool = true
  ) throws -> ClockworkResult.LoadModelFromDisk {
    try state()
    let answer = try call {
      .loadModelFromDisk(.init(actionID: $0, modelID: model, path: name, copies: copies, maxBatchSize: 16))
    }
    guard case .loadModelFromDisk(let result) = answer.result else { throw Unexpected("\(answer.result)") }
    if weights { #expect(try loadWeights(model) == 0) }
    return result
  }

  func loadWeights(_ model: Int32, gpu: UInt32 = 0) throws -> Int32 {
    try status { .loadWeights(.init(actionID: $0, modelID: model, gpuID: gpu)) }
  }

  func evict(_ model: Int32, gpu: UInt32 = 0) throws -> Int32 {
    try status { .evictWeights(.init(actionID: $0, modelID: model, gpuID: gpu)) }
  }

  func infer(
    _ model: Int32 = 0, gpu: UInt32 = 0, count: Int, _ body: [UInt8], sizes: [Int] = []
  ) throws -> (result: ClockworkResult, body: [UInt8]) {
    try call(body: body) {
      .infer(
        .init(
          actionID: $0, modelID: model, gpuID: gpu, batchSize: UInt32(count), inputSizes: sizes.map { UInt32($0) }))
    }
  }

  func inferStatus(_ model: Int32 = 0, gpu: UInt32 = 0, count: Int, _ body: [UInt8], sizes: [Int] = []) throws -> Int32
  {
    if case .error(let failure) = try infer(model, gpu: gpu, count: count, body, sizes: sizes).result {
      failure.status
    } else {
      0
    }
  }

  /// Sends an action without waiting for its result.
  func start(body: [UInt8] = [], _ action: (Int32) -> ClockworkAction) -> ActionAnswers {
    let answers = ActionAnswers()
    link.send(body: body, action) { answers.add($0) }
    return answers
  }
}

struct Unexpected: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// The answers to one action, in the order in which they came.
final class ActionAnswers: Sendable {
  private let answers = Mutex<[WorkerLink.Answer]>([])
  private let isComplete = Box<Bool>()

  func add(_ answer: WorkerLink.Answer) {
    answers.withLock { $0.append(answer) }
    if case .items = answer { return }
    isComplete.put(true)
  }

  var isEmpty: Bool { answers.withLock { $0.isEmpty } }
  var items: [[UInt32]] {
    answers.withLock { $0 }.compactMap { if case .items(let items, _) = $0 { items.items } else { nil } }
  }
  var itemBodies: [[UInt8]] {
    answers.withLock { $0 }.compactMap {
      if case .items(_, let body) = $0 { body.withUnsafeBytes { Array($0) } } else { nil }
    }
  }

  /// Waits for the result.
  func result() throws -> ClockworkResult {
    guard isComplete.wait(30) == true else { throw Unexpected("no result within 30 s") }
    switch answers.withLock({ $0.last }) {
    case .result(let result, _): return result
    case .lost(let error): throw error
    default: throw Unexpected("no result")
    }
  }

  func status() throws -> Int32 { if case .error(let failure) = try result() { failure.status } else { 0 } }
}

/// Lets pass whoever comes while it is open.
final class Gate: Sendable {
  private let condition = NSCondition()
  private let isClosed = Mutex(false)
  private let waiting = Mutex(0)

  func close() { isClosed.withLock { $0 = true } }

  func open() {
    isClosed.withLock { $0 = false }
    condition.lock()
    condition.broadcast()
    condition.unlock()
  }

  func pass() {
    condition.lock()
    defer { condition.unlock() }
    waiting.withLock { $0 += 1 }
    condition.broadcast()
    while isClosed.withLock({ $0 }) { condition.wait() }
    waiting.withLock { $0 -= 1 }
  }

  /// Waits until somebody stands before it.
  func waitForVisitor() throws {
    let deadline = Date(timeIntervalSinceNow: 30)
    condition.lock()
    defer { condition.unlock() }
    while waiting.withLock({ $0 }) == 0 {
      guard condition.wait(until: deadline) else { throw Unexpected("nobody came to the gate within 30 s") }
    }
  }
}

/// Lines of a log.
final class Lines: Sendable {
  private let lines = Mutex<[String]>([])
  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
}
