import Foundation
import Synchronization
import Wire

/// What a controller knows and does: requests and results come in as events, one at a time, each is followed by a plan.
///
/// Requests, answers and results are handled by the thread that has read them, for every other thread that has to be woken
/// adds to what a client waits. All other events take turns on a thread of the controller's own.
final class ControllerCore: Sendable {
  private let configuration: ControllerConfiguration
  private let clock: NodeClock
  private let log: @Sendable (String) -> Void
  private let thread: Executor
  private let workers: [WorkerLink]
  /// Guards everything. Held while frames are sent, which never blocks.
  private let state: Mutex<State>

  private struct State {
    var scheduler: InferScheduler
    var isConnected: [Bool]
    var models: [UInt32: ClockworkResponse.Model] = [:]
    var requests: [UInt64: Request] = [:]
    var nextRequest: UInt64 = 0
    var nextModel: Int32 = 0
    /// The first is under way.
    var loads: [ModelLoad] = []
    var nextWakeUp: Nanoseconds = .max
    var violations: [String] = []
    var isStopping = false
  }

  private struct Request {
    let client: ClientAddress
    let header: ClockworkRequest.Header
    let model: UInt32
    let input: OwnedBytes
    let arrived: Nanoseconds
    let slo: Nanoseconds
  }

  private struct ModelLoad {
    let client: ClientAddress
    let request: ClockworkRequest.LoadRemoteModel
    var modelID: Int32 = 0
    /// By worker.
    var results: [Int: WorkerLink.Answer] = [:]
    var awaited: Set<Int> = []
  }

  private static let requestLimit = 100_000

  init(
    configuration: ControllerConfiguration, clock: NodeClock, log: @escaping @Sendable (String) -> Void
  ) throws(ClockworkError) {
    self.configuration = configuration
    self.clock = clock
    self.log = log
    thread = Executor(name: "controller", clock: clock)
    let ends = LinkEnds()
    let (workers, states) = try Self.connect(configuration, clock: clock, ends: ends)
    self.workers = workers
    let gpus = states.enumerated().flatMap { worker, state in
      state.gpus.map {
        (place: InferScheduler.Place(worker: worker, gpu: UInt32($0.id)), pages: Int($0.weightsCachePages))
      }
    }
    var initial = State(
      scheduler: InferScheduler(options: configuration.schedulerOptions, gpus: gpus),
      isConnected: workers.map { _ in true })
    // Models that workers have from an earlier controller stay usable; ids go on above them.
    for model in states.first?.models ?? [] { Self.adopt(model, into: &initial) }
    state = Mutex(initial)
    ends.open { [weak self] worker, error in self?.workerEnded(worker, error) }
  }

  // MARK: Workers

  private static func connect(
    _ configuration: ControllerConfiguration, clock: NodeClock, ends: LinkEnds
  ) throws(ClockworkError) -> ([WorkerLink], [ClockworkWorkerState]) {
    let deadline = ContinuousClock.now + configuration.connectTime
    var links: [WorkerLink] = []
    var states: [ClockworkWorkerState] = []
    do throws(ClockworkError) {
      for (index, address) in configuration.workers.enumerated() {
        let link = try connect(address, clock: clock, until: deadline) { ends.put(index, $0) }
        links.append(link)
        let answer = try link.call { .getWorkerState(.init(actionID: $0)) }
        guard case .getWorkerState(let result) = answer.result else {
          throw .violation("worker \(address) does not say what it has: \(answer.result)")
        }
        states.append(result.state)
      }
      try check(states, configuration)
    } catch {
      for link in links { link.close() }
      throw error
    }
    return (links, states)
  }

  private static func connect(
    _ address: ControllerConfiguration.WorkerAddress, clock: NodeClock, until deadline: ContinuousClock.Instant,
    onEnd: @escaping @Sendable ((any Error)?) -> Void
  ) throws(ClockworkError) -> WorkerLink {
    while true {
      do throws(ClockworkError) {
        return try WorkerLink(host: address.host, port: address.port, clock: clock, onEnd: onEnd)
      } catch {
        guard case .socket = error, ContinuousClock.now < deadline else { throw error }
        Thread.sleep(forTimeInterval: 0.05)
      }
    }
  }

  /// What all workers must have in common.
  private static func check(
    _ states: [ClockworkWorkerState], _ configuration: ControllerConfiguration
  ) throws(ClockworkError) {
    guard let first = states.first else { return }
    for (address, state) in zip(configuration.workers, states) {
      guard state.pageSize == first.pageSize else {
        throw .violation("worker \(address) has pages of \(state.pageSize) bytes, another of \(first.pageSize)")
      }
      guard Set((state.gpus + first.gpus).map(\.weightsCachePages)).count == 1 else {
        throw .violation("worker \(address) has GPUs with another number of pages than others")
      }
      guard state.models.map(\.id) == first.models.map(\.id) else {
        throw .violation("worker \(address) has other models than \(configuration.workers[0])")
      }
    }
  }

  private static func adopt(_ model: ClockworkWorkerState.Model, into state: inout State) {
    state.scheduler.add(
      model: model.id, batchSizes: model.batchSizes.map { Int($0) }, execTimes: model.execTimes,
      pages: Int(model.weightsPages), loadTime: model.weightsLoadTime)
    state.models[UInt32(bitPattern: model.id)] = ClockworkResponse.Model(
      modelID: UInt32(bitPattern: model.id), path: model.source, inputSize: model.inputSize,
      outputSize: model.outputSize)
    state.nextModel = max(state.nextModel, model.id + 1)
  }

  private func workerEnded(_ worker: Int, _ error: (any Error)?) {
    handle { state in
      guard !state.isStopping else { return }
      let name = self.configuration.workers[worker]
      self.log("controller: worker \(name) is gone\(error.map { ": \($0)" } ?? "")")
      if case .violation(let what)? = error as? ClockworkError { state.violations.append("\(name): \(what)") }
      state.isConnected[worker] = false
      state.scheduler.lose(worker: worker)
    }
  }

  var workerCount: Int { state.withLock { $0.isConnected.count { $0 } } }
  var violations: [String] { state.withLock { $0.violations } }

  // MARK: Events

  /// Changes the state on the controller's thread, and plans.
  private func handle(_ change: @escaping @Sendable (inout State) -> Void) {
    thread.enqueue { turn in
      guard case .start = turn else { return }
      self.handleAtOnce(change)
    }
  }

  /// Changes the state here and now, and plans. Not to be called by whoever holds the state.
  private func handleAtOnce(_ change: (inout State) -> Void) {
    state.withLock { state in
      change(&state)
      plan(&state)
    }
  }

  /// Handles an answer on the thread that has read it. A loss may come from within a plan.
  private func handle(_ answer: WorkerLink.Answer, _ change: @escaping @Sendable (inout State) -> Void) {
    if case .lost = answer { handle(change) } else { handleAtOnce(change) }
  }

  private func plan(_ state: inout State) {
    let now = clock.now()
    if now >= state.nextWakeUp { state.nextWakeUp = .max }
    let (commands, next) = state.scheduler.plan(at: now)
    for command in commands { execute(command, at: now, &state) }
    guard let next, next < state.nextWakeUp else { return }
    state.nextWakeUp = next
    thread.enqueue(eligible: next) { turn in
      guard case .start = turn else { return }
      self.state.withLock { self.plan(&$0) }
    }
  }

  /// Called by the client's reading thread.
  func take(_ request: ClockworkRequest, body: OwnedBytes, from client: ClientAddress) {
    handleAtOnce { state in
      switch request {
      case .infer(let request): self.infer(request, body, client, &state)
      case .loadRemoteModel(let request):
        state.loads.append(ModelLoad(client: client, request: request))
        if state.loads.count == 1 { self.startLoad(&state) }
      case .list(let request): self.list(request, client, &state)
      case .evict(let request):
        client.send(.evict(.init(header: Self.refusal(request.header, "the controller decides what is evicted"))))
      case .uploadModel(let request):
        client.send(.uploadModel(.init(header: Self.refusal(request.header, "models are loaded by path"))))
      }
    }
  }

  private static func refusal(
    _ header: ClockworkRequest.Header, _ message: String, status: Int32 = ClientStatus.error
  ) -> ClockworkResponse.Header {
    ClockworkResponse.Header(userRequestID: header.userRequestID ?? 0, status: status, message: message)
  }

  // MARK: Inference

  private func infer(
    _ request: ClockworkRequest.Infer, _ body: OwnedBytes, _ client: ClientAddress, _ state: inout State
  ) {
    func refuse(_ status: Int32, _ message: String) {
      client.send(.infer(.init(header: Self.refusal(request.header, message, status: status))))
    }
    guard state.models[request.modelID] != nil else {
      if state.loads.isEmpty { return refuse(ClientStatus.error, "Invalid model ID \(request.modelID)") }
      return refuse(ClientStatus.initializing, "models are being loaded")
    }
    guard state.requests.count < Self.requestLimit else {
      return refuse(ClientStatus.error, "\(state.requests.count) requests wait already")
    }
    guard state.isConnected.contains(true), !state.isStopping else {
      return refuse(ClientStatus.error, "there is no worker")
    }
    let id = state.nextRequest
    state.nextRequest += 1
    let (model, now) = (Int32(bitPattern: request.modelID), clock.now())
    state.requests[id] = Request(
      client: client, header: request.header, model: request.modelID, input: body, arrived: now,
      slo: state.scheduler.slo(of: model, factor: request.sloFactor))
    state.scheduler.submit(id, model: model, sloFactor: request.sloFactor, at: now)
  }

  private func execute(_ command: InferScheduler.Command, at now: Nanoseconds, _ state: inout State) {
    switch command {
    case .infer(let id, let place, let model, let size, let requests, let latest, let expected):
      let (body, sizes) = inputs(of: requests, state)
      let sent = Sent(.infer, place, model, size: size, at: now, expected: expected)
      let asks = configuration.asksForItemResults
      workers[place.worker].send(body: body) {
        .infer(
          .init(
            actionID: $0, modelID: model, gpuID: place.gpu, earliest: now, latest: latest,
            expectedDuration: expected, batchSize: UInt32(size), inputSizes: sizes, wantsItemResults: asks))
      } handler: { answer in
        self.handle(answer) { self.inferAnswered(id, requests, answer, sent, &$0) }
      }
    case .load(let id, let place, let model, let latest, let expected):
      let sent = Sent(.loadWeights, place, model, at: now, expected: expected)
      workers[place.worker].send {
        .loadWeights(
          .init(
            actionID: $0, modelID: model, gpuID: place.gpu, earliest: now, latest: latest, expectedDuration: expected))
      } handler: { answer in
        self.handle(answer) { self.loadAnswered(id, answer, sent, &$0) }
      }
    case .evict(_, let place, let model):
      let sent = Sent(.evictWeights, place, model, at: now, expected: 0)
      workers[place.worker].send {
        .evictWeights(.init(actionID: $0, modelID: model, gpuID: place.gpu))
      } handler: { answer in
        self.handle(answer) { self.evictAnswered(answer, sent, &$0) }
      }
    case .reject(let request):
      respond(to: request, ClientStatus.timeout, "could not be answered in time", &state)
    }
  }

  /// The inputs as a worker wants them: LZ4 blocks, or nothing at all when no request has an input.
  private func inputs(of requests: [UInt64], _ state: borrowing State) -> (body: [UInt8], sizes: [UInt32]) {
    let inputs = requests.map { state.requests[$0]?.input.withUnsafeBytes { Array($0) } ?? [] }
    guard inputs.contains(where: { !$0.isEmpty }) else { return ([], inputs.map { _ in 0 }) }
    let filled = zip(requests, inputs).map { request, input -> [UInt8] in
      guard input.isEmpty, let model = state.requests[request]?.model else { return input }
      let zeros = [UInt8](repeating: 0, count: Int(state.models[model]?.inputSize ?? 0))
      return (try? zeros.withUnsafeBytes { try LZ4Block.compress($0) }) ?? []
    }
    return (filled.flatMap { $0 }, filled.map { UInt32($0.count) })
  }

  private func inferAnswered(
    _ id: Int32, _ requests: [UInt64], _ answer: WorkerLink.Answer, _ sent: Sent, _ state: inout State
  ) {
    note(sent, answer)
    switch answer {
    case .items(let items, let body):
      let width = body.byteCount / max(1, items.items.count)
      for (place, item) in items.items.enumerated() where Int(item) < requests.count {
        respond(to: requests[Int(item)], output: body, at: place * width, count: width, &state)
      }
    case .result(.infer(let result), let body):
      let width = body.byteCount / max(1, requests.count)
      for (place, request) in requests.enumerated() {
        respond(to: request, output: body, at: place * width, count: width, &state)
      }
      state.scheduler.inferEnded(id, end: result.exec.end, duration: result.exec.duration)
    case .result(.error(let failure), _):
      for request in requests { respond(to: request, failure.status, failure.message, &state) }
      state.scheduler.inferEnded(id, end: nil, duration: nil)
    case .result, .lost:
      for request in requests { respond(to: request, ClientStatus.error, "the worker was lost", &state) }
      state.scheduler.inferEnded(id, end: nil, duration: nil)
    }
  }

  private func respond(
    to id: UInt64, output: OwnedBytes, at start: Int, count: Int, _ state: inout State
  ) {
    guard let request = state.requests.removeValue(forKey: id) else { return }
    note(request, status: ClientStatus.success)
    let body = request.input.byteCount == 0 ? [] : output.withUnsafeBytes { Array($0[start..<(start + count)]) }
    request.client.send(
      .infer(
        .init(
          header: .init(userRequestID: request.header.userRequestID ?? 0), modelID: request.model, batchSize: 1)),
      body: body)
  }

  /// Nothing for a request that was answered before.
  private func respond(to id: UInt64, _ status: Int32, _ message: String, _ state: inout State) {
    guard let request = state.requests.removeValue(forKey: id) else { return }
    note(request, status: status)
    request.client.send(
      .infer(
        .init(header: Self.refusal(request.header, message, status: status), modelID: request.model, batchSize: 1)))
  }

  private func loadAnswered(_ id: Int32, _ answer: WorkerLink.Answer, _ sent: Sent, _ state: inout State) {
    note(sent, answer)
    if case .result(.loadWeights(let result), _) = answer {
      state.scheduler.loadEnded(id, end: result.timing.end, duration: result.timing.duration, at: clock.now())
    } else {
      state.scheduler.loadEnded(id, end: nil, duration: nil, at: clock.now())
      if case .result(.error(let failure), _) = answer {
        log("controller: weights were not loaded: \(failure.status) \(failure.message)")
      }
    }
  }

  private func evictAnswered(_ answer: WorkerLink.Answer, _ sent: Sent, _ state: inout State) {
    note(sent, answer)
    guard case .result(.error(let failure), _) = answer else { return }
    // Clockwork's own controller stops here: it evicts only what it knows to be loaded.
    let what = "model \(sent.model) could not be evicted: \(failure.status) \(failure.message)"
    log("controller: protocol violation: \(what)")
    state.violations.append("\(configuration.workers[sent.place.worker]): \(what)")
  }

  // MARK: Records

  /// An action as it was sent.
  private struct Sent {
    let kind: ActionRecord.Kind
    let place: InferScheduler.Place
    let model: Int32
    let size: Int
    let time: Nanoseconds
    let expected: Nanoseconds

    init(
      _ kind: ActionRecord.Kind, _ place: InferScheduler.Place, _ model: Int32, size: Int = 0, at time: Nanoseconds,
      expected: Nanoseconds
    ) {
      self.kind = kind
      self.place = place
      self.model = model
      self.size = size
      self.time = time
      self.expected = expected
    }
  }

  private func note(_ sent: Sent, _ answer: WorkerLink.Answer) {
    guard let onAction = configuration.onAction else { return }
    let status: Int32
    var timing: ClockworkResult.Timing?
    switch answer {
    case .items: return
    case .result(.infer(let result), _): (status, timing) = (0, result.exec)
    case .result(.loadWeights(let result), _): (status, timing) = (0, result.timing)
    case .result(.evictWeights(let result), _): (status, timing) = (0, result.timing)
    case .result(.error(let failure), _): status = failure.status
    case .result, .lost: status = ClientStatus.error
    }
    onAction(
      ActionRecord(
        kind: sent.kind, worker: sent.place.worker, gpu: sent.place.gpu, model: UInt32(bitPattern: sent.model),
        batchSize: sent.size, sent: sent.time, answered: clock.now(), expectedDuration: sent.expected,
        duration: timing?.duration, end: timing?.end, status: status))
  }

  private func note(_ request: Request, status: Int32) {
    configuration.onRequest?(
      RequestRecord(
        model: request.model, arrived: request.arrived, answered: clock.now(), slo: request.slo, status: status))
  }

  // MARK: Models

  private func list(_ request: ClockworkRequest.List, _ client: ClientAddress, _ state: inout State) {
    guard state.loads.isEmpty, !state.models.isEmpty else {
      let header = Self.refusal(request.header, "initializing", status: ClientStatus.initializing)
      return client.send(.list(.init(header: header)))
    }
    let header = ClockworkResponse.Header(userRequestID: request.header.userRequestID ?? 0)
    client.send(.list(.init(header: header, models: state.models.values.sorted { $0.modelID < $1.modelID })))
  }

  /// Sends the first load that waits to every worker.
  private func startLoad(_ state: inout State) {
    guard let load = state.loads.first else { return }
    let connected = workers.indices.filter { state.isConnected[$0] }
    guard !connected.isEmpty, !state.isStopping else { return endLoad("there is no worker", &state) }
    let modelID = state.nextModel
    state.loads[0].modelID = modelID
    state.loads[0].awaited = Set(connected)
    let (maxBatch, maxExec) = (UInt32(configuration.maxBatchSize), Nanoseconds(configuration.maxExec))
    for worker in connected {
      workers[worker].send {
        .loadModelFromDisk(
          .init(
            actionID: $0, modelID: modelID, path: load.request.path, copies: load.request.copies,
            maxBatchSize: maxBatch, maxExecDuration: maxExec))
      } handler: { answer in
        self.handle { state in
          guard state.loads.first?.modelID == modelID else { return }
          state.loads[0].results[worker] = answer
          state.loads[0].awaited.remove(worker)
          if state.loads[0].awaited.isEmpty { self.completeLoad(&state) }
        }
      }
    }
  }

  private func completeLoad(_ state: inout State) {
    guard let load = state.loads.first else { return }
    var loaded: [ClockworkResult.LoadModelFromDisk] = []
    var failure: String?
    for (_, answer) in load.results.sorted(by: { $0.key < $1.key }) {
      switch answer {
      case .result(.loadModelFromDisk(let result), _): loaded.append(result)
      case .result(.error(let error), _): failure = failure ?? error.message
      default: failure = failure ?? "a worker was lost"
      }
    }
    guard let first = loaded.first else { return endLoad(failure ?? "no worker answered", &state) }
    if let failure {
      state.violations.append("a model was loaded by some workers only: \(failure)")
      return endLoad("not all workers could load the model: \(failure)", &state)
    }
    guard loaded.allSatisfy({ Self.agree($0, first) }) else {
      state.violations.append("workers disagree about \(load.request.path)")
      return endLoad("workers disagree about the model", &state)
    }
    for copy in 0..<first.copiesCreated {
      // The slowest worker's times hold for all.
      let times = first.execTimes.indices.map { index in loaded.map { $0.execTimes[index] }.max() ?? 1 }
      Self.adopt(
        ClockworkWorkerState.Model(
          id: load.modelID + copy, source: load.request.path, inputSize: first.inputSize,
          outputSize: first.outputSize, batchSizes: first.batchSizes, weightsSize: first.weightsSizeInCache,
          weightsPages: first.weightsPages, weightsLoadTime: loaded.map(\.weightsLoadTime).max() ?? 1,
          execTimes: times), into: &state)
    }
    let header = ClockworkResponse.Header(userRequestID: load.request.header.userRequestID ?? 0)
    load.client.send(
      .loadRemoteModel(
        .init(
          header: header, modelID: UInt32(bitPattern: load.modelID), inputSize: first.inputSize,
          outputSize: first.outputSize, copiesCreated: first.copiesCreated)))
    state.loads.removeFirst()
    startLoad(&state)
  }

  private static func agree(
    _ one: ClockworkResult.LoadModelFromDisk, _ other: ClockworkResult.LoadModelFromDisk
  ) -> Bool {
    one.inputSize == other.inputSize && one.outputSize == other.outputSize && one.batchSizes == other.batchSizes
      && one.weightsSizeInCache == other.weightsSizeInCache && one.weightsPages == other.weightsPages
  }

  private func endLoad(_ message: String, _ state: inout State) {
    let load = state.loads.removeFirst()
    load.client.send(.loadRemoteModel(.init(header: Self.refusal(load.request.header, message))))
    startLoad(&state)
  }

  // MARK: End

  func stop() {
    state.withLock { state in
      state.isStopping = true
      for id in state.requests.keys.sorted() {
        respond(to: id, ClientStatus.error, "the controller is shutting down", &state)
      }
    }
    for worker in workers { worker.close() }
    for worker in workers { _ = worker.waitUntilEnded(.seconds(15)) }
    thread.stop()
    _ = thread.waitUntilStopped(.seconds(5))
  }
}

/// Ends of connections that came before anybody could take them.
private final class LinkEnds: Sendable {
  private typealias Taker = @Sendable (Int, (any Error)?) -> Void
  /// Guards the ends that wait, until there is somebody.
  private let state = Mutex<(waiting: [(Int, (any Error)?)], taker: Taker?)>(([], nil))

  func put(_ worker: Int, _ error: (any Error)?) {
    let taker = state.withLock { state -> Taker? in
      if state.taker == nil { state.waiting.append((worker, error)) }
      return state.taker
    }
    taker?(worker, error)
  }

  func open(_ taker: @escaping @Sendable (Int, (any Error)?) -> Void) {
    let waiting = state.withLock { state in
      defer { state = ([], taker) }
      return state.waiting
    }
    for (worker, error) in waiting { taker(worker, error) }
  }
}
