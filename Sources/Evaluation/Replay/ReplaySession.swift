import Datasets
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Serving
import Synchronization

/// Replays a stream on the real engine, without exits and under a policy, and keeps all that happened.
public struct ReplaySession: Sendable {
  private let prepared: PreparedModel
  private let name: String
  private let device: Device
  private let modelOptions: LoadedModel.Options
  private let options: ReplayOptions

  /// - Parameters:
  ///   - prepared: a model with ramps.
  ///   - name: what it is called in reports.
  public init(
    _ prepared: PreparedModel, name: String, device: Device, modelOptions: LoadedModel.Options = LoadedModel.Options(),
    options: ReplayOptions = ReplayOptions()
  ) {
    self.prepared = prepared
    self.name = name
    self.device = device
    self.modelOptions = modelOptions
    self.options = options
  }

  private var accuracy: AccuracyConstraint {
    options.accuracy ?? (try? AccuracyConstraint(prepared.description.accuracy)) ?? .standard
  }

  private var rampBudget: Double { options.rampBudget ?? prepared.description.rampBudget }

  /// Replays the stream under the policy of the options.
  ///
  /// - Parameters:
  ///   - items: the stream.
  ///   - bootstrap: what one-time-tuned policies are tuned on.
  ///   - scan: what all ramps say of the stream, when that is known already.
  ///   - progress: called with the items done and the items in all.
  public func replay(
    _ items: Items, bootstrap: Items? = nil, scan: SiteScan? = nil, progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> ReplayRecord {
    let window = options.policy.isStatic ? try bootstrap.map(tuningWindow) : nil
    return try compare([options.policy], items, bootstrap: window, scan: scan, progress: progress)[0]
  }

  /// What one-time-tuned policies are tuned on: all ramps on some items.
  public func tuningWindow(_ items: Items) throws -> ObservationWindow {
    try SiteScan(prepared, items: items, device: device, options: modelOptions).window()
  }

  /// Replays the stream without exits and under several policies, block by block in turns: differences between them are
  /// not the machine's.
  ///
  /// - Returns: a record for each policy, with the same vanilla run.
  public func compare(
    _ policies: [ReplayPolicy], _ items: Items, bootstrap: ObservationWindow? = nil, scan known: SiteScan? = nil,
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> [ReplayRecord] {
    guard !prepared.description.ramps.isEmpty else { throw EvaluationError.notPrepared(model: name) }
    let real = policies.filter { $0 != .optimal }
    let total = (2 + real.count) * items.count
    let scan =
      try known
      ?? SiteScan(prepared, items: items, device: device, options: modelOptions) { progress($0, total) }
    let profile = try latencyProfile(items)
    let vanilla = try run(control: .pinned(.none), profile, items)
    let served = try real.map { try run(control: try control($0, bootstrap, profile, scan), profile, items) }
    try replay([vanilla] + served, items) { progress(items.count + $0, total) }
    if options.saturationItems > 0 { try saturate([vanilla] + served, items) }
    let own = vanilla.finished()
    var finished = served.map { $0.finished() }[...]
    return policies.map { policy in
      record(policy, items, scan, profile, own, policy == .optimal ? own : finished.removeFirst())
    }
  }

  // MARK: Policies

  private func control(
    _ policy: ReplayPolicy, _ bootstrap: ObservationWindow?, _ profile: LatencyProfile, _ scan: SiteScan
  ) throws -> EarlyExitEngine.Control {
    switch policy {
    case .vanilla, .optimal: return .pinned(.none)
    case .apparate, .paper:
      var controller = policy == .paper ? ControllerOptions.paper : ControllerOptions()
      if policy == .apparate { controller.guarantee = options.guarantee }
      controller.accuracy = accuracy
      controller.rampBudget = rampBudget
      options.adjustController?(&controller)
      return .adaptive(controller, stateFile: nil)
    case .staticShared, .staticPerRamp, .hindsight:
      guard let known = policy == .hindsight ? try scan.window() : bootstrap else {
        throw EvaluationError.invalidOption(
          name: "bootstrap", expected: "data to tune \(policy.rawValue) on", got: "none")
      }
      let starting = prepared.description.startingRamps.map { RampID($0) }
      let ramps =
        profile.admits(starting, budget: rampBudget) && !starting.isEmpty
        ? starting : StartingRamps.evenlySpaced(in: profile, budget: rampBudget)
      let tuner = policy == .staticShared ? StaticTuner.shared : .perRamp
      let tuned = tuner.tuned(for: known, ramps: ramps, profile: profile, under: accuracy)
      return .pinned(try ExitPolicy(version: 1, exits: tuned.exits))
    }
  }

  /// Those of the model's file, when they are of this device.
  private func latencyProfile(_ items: Items) throws -> LatencyProfile {
    if let profile = options.profile { return profile }
    if let profile = prepared.description.latencyProfile,
      prepared.description.device == device.properties.fingerprint
    {
      return profile
    }
    var loading = modelOptions
    loading.sideOutputs = prepared.sideOutputs
    let model = try LoadedModel(graph: prepared.graph, device: device, options: loading)
    return try prepared.measureLatencies(
      of: model, batchSizes: options.largestBatch == 1 ? [1] : [1, options.largestBatch]
    ) { size in
      items.batch((0..<size).map { $0 % items.count })
    }
  }

  // MARK: Running

  private func run(control: EarlyExitEngine.Control, _ profile: LatencyProfile, _ items: Items) throws -> ReplayRun {
    let log = ObservationLog()
    var engineOptions = EarlyExitEngine.Options()
    engineOptions.control = control
    engineOptions.isSynchronous = options.speed == .fast
    engineOptions.latencies = profile
    engineOptions.onObservation = { log.append($0) }
    engineOptions.loading = modelOptions
    let shapes = items.distinctShapes(batchSizes: 1...options.largestBatch)
    engineOptions.loading.planLimit = max(modelOptions.planLimit, shapes.count)
    let engine = try EarlyExitEngine(prepared, name: name, device: device, options: engineOptions)
    for positions in shapes {
      let batch = Batch(inputs: items.batch(positions), count: positions.count)
      try engine.prepare(batch)
      // Once outside the queue, so that memory is there and the controller sees nothing of it.
      _ = try engine.model.run(batch.inputs)
    }
    return ReplayRun(engine: engine, face: try FacedEngine(engine, behind: options.face, items: items), log: log)
  }

  private func replay(_ runs: [ReplayRun], _ items: Items, progress: (Int) -> Void) throws {
    var replaying = Replayer.Options()
    replaying.largestBatch = options.largestBatch
    replaying.batchesInFlight = options.speed == .fast ? 1 : 2
    let times = options.arrivals.times.times(count: items.count, seed: options.seed)
    var done = 0
    for (block, first) in stride(from: 0, to: items.count, by: options.blockItems).enumerated() {
      let range = first..<min(first + options.blockItems, items.count)
      let arrivals = options.speed == .realtime ? Array(times[range]) : nil
      // Who begins changes from block to block.
      for turn in runs.indices {
        let run = runs[(turn + block) % runs.count]
        let replayer = try Replayer(run.face.servable, items: items, options: replaying)
        let (engine, log) = (run.engine, run.log)
        let block = try replayer.replay(Array(range), arrivals: arrivals) { log.note(engine.policy) }
        if arrivals == nil { run.append(following: block) } else { run.append(block) }
        done += range.count
        progress(done)
      }
    }
  }

  /// Sends some items as fast as they are taken, many at a time, in turns.
  private func saturate(_ runs: [ReplayRun], _ items: Items) throws {
    var replaying = Replayer.Options()
    replaying.largestBatch = options.largestBatch
    replaying.batchesInFlight = 8
    let positions = Array(0..<min(items.count, options.saturationItems))
    for _ in 0..<3 {
      for run in runs {
        let start = ContinuousClock.now
        _ = try Replayer(run.face.servable, items: items, options: replaying).replay(positions, arrivals: nil)
        run.rates.append(Double(positions.count) / start.duration(to: .now).inSeconds)
      }
    }
  }

  // MARK: What came out

  private func record(
    _ policy: ReplayPolicy, _ items: Items, _ scan: SiteScan, _ profile: LatencyProfile, _ vanilla: ReplayRun.Finished,
    _ served: ReplayRun.Finished
  ) -> ReplayRecord {
    let description = prepared.description
    let latency = profile.measured[0]
    var record = ReplayRecord(
      setup: ReplayReport.Setup(
        model: name, device: device.properties.name, stream: options.stream, policy: policy.rawValue,
        arrivals: options.speed == .fast ? "as fast as possible" : options.arrivals.text, speed: options.speed.rawValue,
        items: items.count, largestBatch: options.largestBatch, accuracy: accuracy.minimumAgreement,
        rampBudget: rampBudget, guarantee: policy == .apparate ? options.guarantee.rawValue : "none",
        seed: options.seed, face: options.face.rawValue),
      sites: description.ramps.enumerated().map { index, ramp in
        ReplayRecord.Site(name: ramp.site, latencyShare: latency.untilSite[index] / latency.total)
      },
      profile: profile, parts: items.parts.map { ($0.name, $0.range) }, vanilla: vanilla.items, served: served.items,
      oracle: scan.oracleLatencies(vanilla.items, profile: profile), policies: served.policies)
    record.saturation = zip(vanilla.rates, served.rates).map { ($0, $1) }
    if policy == .optimal {
      record.served = vanilla.items.indices.map { item in
        var served = vanilla.items[item]
        served.released = served.arrival + record.oracle[item] * 1e-3
        served.exit = scan.oracleExit(of: item)
        return served
      }
      record.policies = []
      record.oracle = []
    }
    return record
  }
}

/// One engine's part in a replay.
private final class ReplayRun {
  struct Finished {
    let items: [ServedItem]
    /// By ascending version.
    let policies: [ExitPolicy]
    let rates: [Double]
  }

  let engine: EarlyExitEngine
  let face: FacedEngine
  let log: ObservationLog
  private var items: [ServedItem] = []
  /// Items a second, when more are always waiting.
  var rates: [Double] = []

  init(engine: EarlyExitEngine, face: FacedEngine, log: ObservationLog) {
    self.engine = engine
    self.face = face
    self.log = log
  }

  func append(_ block: [ServedItem]) { items += block }

  /// Appends items whose times count from the block's start, as if it had begun where the last one ended.
  func append(following block: [ServedItem]) {
    let offset = items.last?.ended ?? 0
    items += block.map { $0.moved(by: offset) }
  }

  /// Ends the engine, so that all observations are in.
  func finished() -> Finished {
    face.end()
    engine.shutDown(within: .seconds(60))
    let (versions, policies, exits) = log.contents
    var served = items
    if !face.tellsExits {
      // Items run in the order in which they were sent.
      for index in served.indices where index < exits.count { served[index].exit = exits[index] }
    }
    for index in served.indices where index < versions.count { served[index].policyVersion = versions[index] }
    return Finished(items: served, policies: policies, rates: rates)
  }
}

/// What engines tell of their items, in the order in which they ran, from their threads.
private final class ObservationLog: Sendable {
  private struct State {
    var versions: [UInt64] = []
    var exits: [ExitPosition] = []
    var policies: [UInt64: ExitPolicy] = [:]
  }

  /// Guards all of it.
  private let state = Mutex(State())

  func append(_ observation: Observation) {
    // A platform's own trials ask for exact answers.
    guard observation.exitsAllowed else { return }
    state.withLock { state in
      state.versions.append(observation.policyVersion)
      state.exits.append(observation.exit)
    }
  }

  func note(_ policy: ExitPolicy) { state.withLock { $0.policies[policy.version] = policy } }

  /// By item the policy's version and the exit, and the policies by ascending version.
  var contents: (versions: [UInt64], policies: [ExitPolicy], exits: [ExitPosition]) {
    state.withLock { ($0.versions, $0.policies.values.sorted { $0.version < $1.version }, $0.exits) }
  }
}
