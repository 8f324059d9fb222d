import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime

/// The shared early-exit engine: one model with its ramps on one device, answering batches.
///
/// Batches run one after another, in the order of submission, on a thread of the engine's own. Each runs to the end under
/// the policy that was in force when it began; an item whose ramp is sure enough is answered as soon as that ramp has
/// spoken, the others by the model itself. Whatever ramps said is observed, and a controller on another thread learns
/// from it and publishes the next policy. Design: `early-exit.md` §2.
///
/// A model without ramps is served the same way, with nothing leaving early.
public final class EarlyExitEngine: PagedServable {
  /// Who decides on exits.
  public enum Control: Sendable {
    /// This policy, until another one is set.
    case pinned(ExitPolicy)
    /// A controller. `stateFile` is where its memory survives a restart; `nil` for nowhere.
    case adaptive(ControllerOptions, stateFile: String?)
  }

  public struct Options: Sendable {
    public var control = Control.pinned(.none)
    /// Batches that may wait.
    public var queueLimit = 64
    /// Items of a batch.
    public var itemLimit = 4096
    /// When each of the last 32 batches has left so many waiting, the device is not keeping up. Nothing leaves early then,
    /// and ramps run with one batch in eight only, for the controller to go on: early answers save little beside the
    /// waiting, and what they cost makes it longer.
    public var overloadDepth = 1
    /// Observations that may wait for the controller.
    public var ringCapacity = 1 << 14
    /// The controller works between batches instead of beside them: slower, but the same inputs in the same order
    /// always give the same policies.
    public var isSynchronous = false
    /// A new controller begins with what ramps said of the bootstrap items, so that items may leave from the start on.
    public var learnsFromBootstrap = true
    /// How often the controller's state is written.
    public var savePeriod = Duration.seconds(30)
    /// In place of those that the model's file brings, for another device.
    public var latencies: LatencyProfile?
    /// Told of every item, in order, on the controller's thread.
    public var onObservation: (@Sendable (Observation) -> Void)?
    /// How the model is loaded.
    public var loading = LoadedModel.Options()
    /// Told what an operator should know.
    public var log: @Sendable (String) -> Void = { _ in }

    public init() {}
  }

  public let name: String
  public let signature: Signature
  /// What the file says of the ramps.
  public let description: PreparedDescription
  public let model: LoadedModel
  private let inputCheck: InputCheck
  private let executor: BatchExecutor
  private let control: ControlLoop?
  private let isSynchronous: Bool

  /// - Parameter name: for messages, for example `resnet/3`.
  /// - Throws: what loading throws, `EarlyExitError` for a policy or options that do not fit the model.
  public init(_ prepared: PreparedModel, name: String, device: Device, options: Options = Options()) throws {
    var loading = options.loading
    loading.sideOutputs = prepared.sideOutputs
    // The batches' thread releases answers in the middle of runs.
    loading.staysAwake = false
    model = try LoadedModel(graph: prepared.graph, device: device, options: loading)
    self.name = name
    description = prepared.description
    signature = Signature(prepared.graph, outputs: prepared.description.outputs)
    inputCheck = InputCheck(prepared.graph, itemLimit: options.itemLimit)
    isSynchronous = options.isSynchronous

    let (policy, controller, stateFile) = try Self.start(prepared, name, options, device)
    let sites = prepared.description.ramps.count
    var ring: ObservationRing?
    var control: ControlLoop?
    if sites > 0, controller != nil || options.onObservation != nil {
      let observed = ObservationRing(sites: sites, capacity: options.ringCapacity)
      ring = observed
      control = ControlLoop(
        ring: observed, controller: controller, stateFile: stateFile, savePeriod: options.savePeriod,
        onObservation: options.onObservation, log: options.log)
    }
    self.control = control
    var afterBatch: (@Sendable () -> Void)?
    var heartbeat: Heartbeat?
    if let control {
      if options.isSynchronous {
        afterBatch = { _ = control.drain() }
      } else if controller != nil {
        heartbeat = control.heartbeat
      }
    }
    let active = try ActivePolicy(policy, prepared.description, model)
    // A pinned policy holds for every batch, and the synchronous mode decides nothing by the clock.
    let yields = controller != nil && !options.isSynchronous
    let executor = BatchExecutor(
      model: model, name: name, description: prepared.description, policy: active, queueLimit: options.queueLimit,
      overloadDepth: yields ? options.overloadDepth : .max,
      withoutExits: try ActivePolicy(.none, prepared.description, model),
      ring: ring, heartbeat: heartbeat, afterBatch: afterBatch)
    self.executor = executor
    let (model, description, log) = (model, description, options.log)
    control?.onPolicy { policy in
      do { executor.publish(try ActivePolicy(policy, description, model)) } catch {
        log("\(name): a policy was not taken: \(error)")
      }
    }
    Self.startThread("\(name) batches") {
      ProcessorThreads.runsWhenWoken()
      executor.runBatches()
    }
    if let control, !isSynchronous { Self.startThread("\(name) control", quality: .utility) { control.work() } }
  }

  deinit {
    executor.queue.close()
    // The controller's thread goes on until the last batch's observations are in.
    if let control { _ = control.end(within: .zero) }
  }

  private static func startThread(
    _ name: String, quality: QualityOfService = .userInteractive, _ body: @escaping @Sendable () -> Void
  ) {
    let thread = Thread(block: body)
    thread.name = name
    thread.qualityOfService = quality
    thread.start()
  }

  /// The first policy, and the controller with its memory.
  private static func start(
    _ prepared: PreparedModel, _ name: String, _ options: Options, _ device: Device
  ) throws -> (ExitPolicy, Controller?, ControllerStateFile?) {
    switch options.control {
    case .pinned(let policy): return (policy, nil, nil)
    case .adaptive(let controllerOptions, let path):
      let description = prepared.description
      guard !description.ramps.isEmpty else { return (.none, nil, nil) }
      guard let profile = options.latencies ?? description.latencyProfile else {
        options.log("\(name): nothing leaves early, for the latencies of its ramps were never measured")
        return (.none, nil, nil)
      }
      if options.latencies == nil, description.device != device.properties.fingerprint {
        options.log("\(name): the latencies of its ramps were measured on another device")
      }
      let file = path.map { ControllerStateFile(path: $0, fingerprint: prepared.fingerprint) }
      do {
        if let controller = try file?.read(profile: profile, options: controllerOptions) {
          return (controller.policy, controller, file)
        }
      } catch {
        options.log("\(name): starts without exits, for \(path ?? "") cannot be used: \(error)")
      }
      let ramps = description.startingRamps.map { RampID($0) }
      let fits = !ramps.isEmpty && profile.admits(ramps, budget: controllerOptions.rampBudget)
      var controller = try Controller(
        profile: profile, options: controllerOptions, initialRamps: fits ? ramps : nil)
      if options.learnsFromBootstrap, let evidence = description.evidence, evidence.items > 0 {
        try controller.learn(from: evidence.window(sites: profile.sites))
        _ = controller.update()
      }
      return (controller.policy, controller, file)
    }
  }

  // MARK: Serving

  public func submit(_ batch: Batch, to receiver: any AnswerReceiver) {
    do { try inputCheck.check(batch) } catch {
      receiver.finish(.failure(error))
      return
    }
    executor.submit(batch, to: receiver)
  }

  public func prepare(_ batch: Batch) throws(ServingError) {
    try inputCheck.check(batch)
    do {
      try model.loadWeights()
      _ = try model.prepare(batch.inputs)
    } catch { throw ServingError(error) }
  }

  // MARK: Weights

  public var weightByteCount: Int { model.weightByteCount }

  public func loadWeights() throws(ServingError) {
    do { try model.loadWeights() } catch { throw ServingError(error) }
  }

  public func releaseWeights() throws(ServingError) {
    do { try model.releaseWeights() } catch { throw ServingError(error) }
  }

  // MARK: Policies

  /// The policy that the next batch runs under.
  public var policy: ExitPolicy { executor.policy }

  /// Puts a policy in force for the next batch. A controller, if there is one, replaces it with its next.
  ///
  /// - Throws: `EarlyExitError.unknownRamp` for a ramp that the model does not have.
  public func setPolicy(_ policy: ExitPolicy) throws {
    executor.publish(try ActivePolicy(policy, description, model))
  }

  /// What has happened so far. From any thread, in some microseconds.
  public var statistics: EngineStatistics { executor.statistics }

  /// What the controller knows; `nil` without one. From any thread; waits for a tuning round under way.
  public var controllerStatus: ControllerStatus? { control?.status }

  // MARK: Ending

  /// Takes no more batches, and waits until those that wait have run and the controller's state is written.
  ///
  /// - Parameter limit: after which batches that still wait end with ``ServingError/shuttingDown(name:)``.
  /// - Returns: false when that came to pass.
  @discardableResult
  public func shutDown(within limit: Duration) -> Bool {
    executor.queue.close()
    let isDone = executor.hasEnded.wait(timeout: .now() + limit.inSeconds) == .success
    if isDone {
      executor.hasEnded.signal()
    } else {
      for job in executor.queue.drain() { job.receiver.finish(.failure(.shuttingDown(name: name))) }
    }
    guard let control else { return isDone }
    if isSynchronous {
      if isDone { control.save() }
      return isDone
    }
    return control.end(within: max(limit, .seconds(5))) && isDone
  }
}
