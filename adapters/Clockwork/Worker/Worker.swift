import Foundation
import Serving
import Synchronization
import Wire

/// What actions do, whichever connection they come from.
///
/// An action is checked and done when its turn comes on its executor, and is answered exactly once, with a result or an
/// error.
final class Worker: Sendable {
  let configuration: WorkerConfiguration
  let clock: NodeClock
  let log: @Sendable (String) -> Void
  let gpus: [GPU]
  private let loader: ModelLoading
  /// LoadModelFromDisk.
  private let disk: Executor
  /// Results that wait for their time.
  let timer: Executor
  /// Guards the models, by id.
  private let models = Mutex<[Int32: WorkerModel]>([:])
  private let isStopping = Atomic(false)

  init(
    configuration: WorkerConfiguration, clock: NodeClock, log: @escaping @Sendable (String) -> Void,
    servables: @escaping PagedServableLoader
  ) {
    self.configuration = configuration
    self.clock = clock
    self.log = log
    gpus = (0..<configuration.gpus).map { GPU(id: $0, pages: configuration.pagesPerGPU, clock: clock) }
    loader = ModelLoading(configuration: configuration, gpus: gpus, clock: clock, servables: servables)
    disk = Executor(name: "model loading", clock: clock)
    timer = Executor(name: "delayed results", clock: clock)
  }

  func perform(_ action: ClockworkAction, body: OwnedBytes, pending: PendingAction) {
    guard !isStopping.load(ordering: .acquiring) else {
      return pending.fail(ActionFailure(.shuttingDown, "the worker is shutting down"))
    }
    switch action {
    case .getWorkerState: describe(pending)
    case .clearCache: clearCache(pending)
    case .loadModelFromDisk(let action):
      enqueue(pending, on: disk, from: action.earliest) { self.loadModel(action, pending) }
    case .loadWeights(let action):
      guard let gpu = gpu(action.gpuID, pending) else { return }
      enqueue(pending, on: gpu.weights, from: action.earliest) { self.loadWeights(action, pending, gpu) }
    case .evictWeights(let action):
      guard let gpu = gpu(action.gpuID, pending) else { return }
      enqueue(pending, on: gpu.weights, from: action.earliest) { self.evictWeights(action, pending, gpu) }
    case .infer(let action):
      guard let gpu = gpu(action.gpuID, pending) else { return }
      let earliest = pending.ours(action.earliest)
      let eligible = earliest > Self.inputLead ? earliest - Self.inputLead : 0
      let run = InferRun(action, inputs: body, pending: pending, gpu: gpu, worker: self)
      perform(pending, on: gpu.inputs, eligible: eligible) { run.takeInputs() }
    }
  }

  /// Inputs are made ready before the batch may start. Clockwork's own number.
  private static let inputLead: Nanoseconds = 5_000_000

  func model(_ id: Int32) -> WorkerModel? { models.withLock { $0[id] } }

  /// Runs `body` when it is the action's turn.
  /// - Parameter eligible: on our clock.
  func enqueue(
    _ pending: PendingAction, on executor: Executor, eligible: Nanoseconds, _ body: @escaping @Sendable () -> Void
  ) {
    executor.enqueue(eligible: eligible) { Self.take($0, pending, body) }
  }

  /// As ``enqueue(_:on:eligible:_:)``, here and now if it is the action's turn.
  func perform(
    _ pending: PendingAction, on executor: Executor, eligible: Nanoseconds, _ body: @escaping @Sendable () -> Void
  ) {
    executor.perform(eligible: eligible) { Self.take($0, pending, body) }
  }

  private static func take(_ turn: Executor.Turn, _ pending: PendingAction, _ body: () -> Void) {
    switch turn {
    case .start where pending.isAbandoned: break
    case .start: body()
    case .cancelled: pending.fail(ActionFailure(.cancelled, "the worker is shutting down"))
    }
  }

  private func enqueue(
    _ pending: PendingAction, on executor: Executor, from earliest: Nanoseconds, _ body: @escaping @Sendable () -> Void
  ) { enqueue(pending, on: executor, eligible: pending.ours(earliest), body) }

  private func gpu(_ id: UInt32, _ pending: PendingAction) -> GPU? {
    if id < gpus.count { return gpus[Int(id)] }
    pending.fail(ActionFailure(.invalidGPU, "there is no GPU \(id), only 0 to \(gpus.count - 1)"))
    return nil
  }

  /// The failure of an action that could not start by `latest`, a time of the controller's; `nil` when it still can.
  func lateness(_ pending: PendingAction, latest: Nanoseconds, _ status: ActionStatus) -> ActionFailure? {
    let (now, latest) = (clock.now(), pending.ours(latest))
    guard now > latest else { return nil }
    return ActionFailure(status, "could not start in time, by \((now - latest).milliseconds)")
  }

  // MARK: State

  private func describe(_ pending: PendingAction) {
    let delay = clock.now() + Nanoseconds(configuration.stateDelay)
    enqueue(pending, on: timer, eligible: delay) {
      pending.answer { received, sent in
        .getWorkerState(
          ClockworkResult.GetWorkerState(
            actionID: pending.id, state: self.state, actionReceived: received, resultSent: sent))
      }
    }
  }

  var state: ClockworkWorkerState {
    ClockworkWorkerState(
      pageSize: UInt64(configuration.pageSize), hostWeightsCacheSize: .max,
      hostIOPoolSize: UInt64(configuration.ioPoolSize),
      gpus: gpus.map { gpu in
        ClockworkWorkerState.GPU(
          id: Int32(gpu.id), weightsCacheSize: UInt64(configuration.pagesPerGPU * configuration.pageSize),
          weightsCachePages: Int32(configuration.pagesPerGPU),
          models: gpu.cache.withLock { $0.loadedModels }.map { UInt32(bitPattern: $0) },
          ioPoolSize: UInt64(configuration.ioPoolSize), workspacePoolSize: UInt64(configuration.ioPoolSize))
      }, models: models.withLock { Array($0.values) }.sorted { $0.id < $1.id }.map(\.state))
  }

  // MARK: Models

  private func loadModel(_ action: ClockworkAction.LoadModelFromDisk, _ pending: PendingAction) {
    let begin = clock.now()
    do throws(ActionFailure) {
      if let late = lateness(pending, latest: action.latest, .couldNotStartInTime) { throw late }
      let loaded = try loader.load(action, knownIDs: models.withLock { Set($0.keys) })
      models.withLock { models in for model in loaded { models[model.id] = model } }
      guard let first = loaded.first else { throw ActionFailure(.invalidAction, "no copies were asked for") }
      let end = clock.now()
      log(
        "clockwork: loaded \(action.path) as model \(action.modelID), \(loaded.count) of it, batches up to "
          + "\(first.profile.batchSizes.last ?? 0), \((first.profile.execTimes.first ?? 0).milliseconds) for one item, "
          + "\(first.pages) pages, in \((end - begin).milliseconds)")
      pending.answer { received, sent in
        .loadModelFromDisk(
          ClockworkResult.LoadModelFromDisk(
            actionID: pending.id, timing: pending.timing(begin: begin, end: end),
            inputSize: UInt64(first.layout.inputByteCount), outputSize: UInt64(first.outputs.byteCount),
            batchSizes: first.profile.batchSizes.map { UInt32($0) },
            weightsSizeInCache: UInt64(first.pages * configuration.pageSize), weightsPages: UInt32(first.pages),
            weightsLoadTime: first.profile.weightsLoadTime, execTimes: first.profile.execTimes,
            copiesCreated: Int32(loaded.count), actionReceived: received, resultSent: sent))
      }
    } catch {
      log("clockwork: model \(action.modelID) was not loaded: \(error.message)")
      pending.fail(error)
    }
  }

  // MARK: Weights

  private func loadWeights(_ action: ClockworkAction.LoadWeights, _ pending: PendingAction, _ gpu: GPU) {
    let begin = clock.now()
    do throws(ActionFailure) {
      if let late = lateness(pending, latest: action.latest, .loadWeightsTooLate) { throw late }
      guard let model = model(action.modelID) else {
        throw ActionFailure(.loadWeightsUnknownModel, "there is no model \(action.modelID)")
      }
      try copyWeights(of: model, to: gpu)
      let end = clock.now()
      pending.answer { received, sent in
        .loadWeights(
          ClockworkResult.LoadWeights(
            actionID: pending.id, timing: pending.timing(begin: begin, end: end), actionReceived: received,
            resultSent: sent))
      }
    } catch { pending.fail(error) }
  }

  /// On the GPU's weights thread.
  private func copyWeights(of model: WorkerModel, to gpu: GPU) throws(ActionFailure) {
    let servable = model.servables[gpu.id]
    let version = gpu.cache.withLock { $0.beginLoading(model.id, pages: model.pages) }
    do throws(ServingError) {
      // Loading what is loaded replaces it.
      try servable.releaseWeights()
      if version != nil { try servable.loadWeights() }
    } catch {
      gpu.cache.withLock { _ = $0.free(model.id) }
      throw ActionFailure(.runtimeError, "\(error)")
    }
    guard let version else {
      throw ActionFailure(
        .loadWeightsInsufficientCache,
        "model \(model.id) needs \(model.pages) pages, \(gpu.cache.withLock { $0.freePages }) are free")
    }
    guard gpu.cache.withLock({ $0.finishLoading(model.id, version: version) }) else {
      release(servable)
      throw ActionFailure(.loadWeightsConcurrentModification, "the weights were freed while they were copied")
    }
  }

  private func evictWeights(_ action: ClockworkAction.EvictWeights, _ pending: PendingAction, _ gpu: GPU) {
    let begin = clock.now()
    do throws(ActionFailure) {
      if let late = lateness(pending, latest: action.latest, .evictWeightsTooLate) { throw late }
      guard let model = model(action.modelID) else {
        throw ActionFailure(.evictWeightsUnknownModel, "there is no model \(action.modelID)")
      }
      guard gpu.cache.withLock({ $0.free(model.id) }) else {
        throw ActionFailure(.evictWeightsNotInCache, "model \(model.id) has no weights on GPU \(gpu.id)")
      }
      let end = clock.now()
      pending.answer { received, sent in
        .evictWeights(
          ClockworkResult.EvictWeights(
            actionID: pending.id, timing: pending.timing(begin: begin, end: end), actionReceived: received,
            resultSent: sent))
      }
      // The controller counts on the pages already; the memory follows when a batch that uses it has ended, and before
      // this thread copies anything else.
      release(model.servables[gpu.id])
    } catch { pending.fail(error) }
  }

  private func clearCache(_ pending: PendingAction) {
    dropAllWeights()
    pending.answer { received, sent in
      .clearCache(ClockworkResult.ClearCache(actionID: pending.id, actionReceived: received, resultSent: sent))
    }
  }

  /// Frees all pages at once, and the memory as soon as it can be.
  func dropAllWeights() {
    for gpu in gpus {
      for id in gpu.cache.withLock({ $0.freeAll() }) {
        guard let servable = model(id)?.servables[gpu.id] else { continue }
        gpu.weights.enqueue { _ in
          // Unless an action has brought them back.
          if gpu.cache.withLock({ $0.loadedVersion(of: id) }) == nil { self.release(servable) }
        }
      }
    }
  }

  private func release(_ servable: any PagedServable) {
    do { try servable.releaseWeights() } catch { log("clockwork: weights were not freed: \(error)") }
  }

  // MARK: End

  /// Ends what runs, answers what waits with "cancelled" and what still comes with "shutting down".
  func stop() {
    isStopping.store(true, ordering: .releasing)
    let executors = [disk, timer] + gpus.flatMap(\.executors)
    for executor in executors { executor.stop() }
    for executor in executors where !executor.waitUntilStopped(.seconds(30)) {
      log("clockwork: an action has not ended after 30 s")
    }
  }
}
