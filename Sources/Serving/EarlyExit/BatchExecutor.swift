import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import Synchronization

/// The engine's thread: runs waiting batches one after another under the policy of the moment.
final class BatchExecutor: @unchecked Sendable {
  // `run`, `inForce`, `batchNumber` and `batchesInOverload` belong to the thread that calls `runBatches()`; the rest guards
  // itself.
  let model: LoadedModel
  let queue: WaitingBatches
  private let name: String
  private let description: PreparedDescription
  private let run: BatchRun
  /// The policy that the last batch found published.
  private var inForce: ActivePolicy
  private var batchNumber: UInt64 = 0
  private let clock = ContinuousClock()
  private let caution = Caution()
  /// See ``EarlyExitEngine/Options/overloadDepth``.
  private let overloadDepth: Int
  private let withoutExits: ActivePolicy
  private static let overloadPeriod: UInt64 = 8
  private static let patience = 32
  /// Batches in a row that left too many waiting.
  private var batchesInOverload = 0

  /// Where observations go; `nil` when nobody looks at them.
  let ring: ObservationRing?
  /// Called by the thread after each batch; see ``ControlLoop``.
  let afterBatch: (@Sendable () -> Void)?
  /// When the controller last moved, on the clock of `DispatchTime`, in nanoseconds; `nil` without one.
  let heartbeat: Heartbeat?

  /// Guards the policy for the next batch; held to read or replace it.
  private let active: Mutex<ActivePolicy>
  /// Guards the counts; held for a batch's additions or a copy.
  private let counts: Mutex<EngineStatistics>
  let hasEnded = DispatchSemaphore(value: 0)

  init(
    model: LoadedModel, name: String, description: PreparedDescription, policy: ActivePolicy, queueLimit: Int,
    overloadDepth: Int, withoutExits: ActivePolicy, ring: ObservationRing?, heartbeat: Heartbeat?,
    afterBatch: (@Sendable () -> Void)?
  ) {
    self.model = model
    self.name = name
    self.description = description
    self.overloadDepth = overloadDepth
    self.withoutExits = withoutExits
    self.ring = ring
    self.heartbeat = heartbeat
    self.afterBatch = afterBatch
    queue = WaitingBatches(limit: queueLimit)
    run = BatchRun(classes: description.classes, errorScore: description.errorScore, active: policy)
    inForce = policy
    active = Mutex(policy)
    counts = Mutex(EngineStatistics(sites: description.ramps.count, policy: policy.policy))
  }

  // MARK: From any thread

  var policy: ExitPolicy { active.withLock { $0.policy } }

  /// For the next batch.
  func publish(_ policy: ActivePolicy) {
    active.withLock { $0 = policy }
  }

  var statistics: EngineStatistics {
    var result = counts.withLock { $0 }
    result.apply(policy)
    result.queueDepth = queue.count
    result.lostObservations = ring?.lostCount ?? 0
    return result
  }

  func submit(_ batch: Batch, to receiver: any AnswerReceiver) {
    switch queue.append(WaitingBatches.Job(batch: batch, receiver: receiver, submitted: clock.now)) {
    case nil: break
    case .closed?: receiver.finish(.failure(.shuttingDown(name: name)))
    case .full(let waiting, let limit)?:
      counts.withLock { $0.refusedBatches += 1 }
      receiver.finish(.failure(.overloaded(waiting: waiting, limit: limit)))
    }
  }

  // MARK: The thread

  func runBatches() {
    while let job = queue.next() { execute(job) }
    hasEnded.signal()
  }

  private func execute(_ job: WaitingBatches.Job) {
    let started = clock.now
    batchesInOverload = queue.count >= overloadDepth ? batchesInOverload + 1 : 0
    let isOverloaded = batchesInOverload > Self.patience
    let goesWithout = isOverloaded && !batchNumber.isMultiple(of: Self.overloadPeriod)
    // Whoever publishes may have lost its core while it held the lock.
    if let published = active.withLockIfAvailable({ $0 }) { inForce = published }
    let active = goesWithout ? withoutExits : inForce
    let caution = isOverloaded ? 0 : currentCaution
    run.begin(job.batch, job.receiver, active, caution: caution)
    let outputs: [String: Tensor]
    do {
      outputs = try model.run(
        job.batch.inputs, sides: active.sides, gates: active.gates(caution: caution),
        settled: job.batch.exactItems + (run.served..<run.count)
      ) { run.take($0) }
    } catch {
      counts.withLock { $0.failedBatches += 1 }
      job.receiver.finish(.failure(ServingError(error)))
      return
    }
    let ended = clock.now
    run.end(outputs)
    if run.finalLabels.isEmpty, let scores = outputs[description.finalLogits] { scores.withFloats(run.readFinal) }
    observe(
      active, isRecorded: !goesWithout, submitted: job.submitted, started: started, ended: ended, caution: caution)
    batchNumber += 1
    // Before the batch is said to be over, so that who waits for that sees what was learnt from it.
    afterBatch?()
    job.receiver.finish(.success(BatchTiming(submitted: job.submitted, started: started, ended: ended)))
  }

  private var currentCaution: Float {
    guard let ring, let heartbeat else { return 1 }
    return caution.factor(
      ringFill: Double(ring.waiting) / Double(ring.capacity), secondsSilent: heartbeat.secondsSilent)
  }

  /// Books what the batch's ramps said.
  private func observe(
    _ active: ActivePolicy, isRecorded: Bool, submitted: ContinuousClock.Instant, started: ContinuousClock.Instant,
    ended: ContinuousClock.Instant, caution: Float
  ) {
    let exits = active.policy.exits
    if isRecorded, let ring, run.finalLabels.count == run.served {
      for item in 0..<run.served {
        ring.write { slot in write(item, exits, active.policy.version, to: slot) }
      }
    }
    let run = run
    counts.withLock { counts in
      counts.batches += 1
      counts.items += UInt64(run.served)
      counts.caution = caution
      counts.secondsRunning += (ended - started).inSeconds
      counts.secondsWaiting += (started - submitted).inSeconds
      for item in 0..<run.served {
        let ramp = run.exits[item]
        guard ramp >= 0 else {
          counts.finalExits += 1
          continue
        }
        counts.ramps[exits[ramp].ramp.rawValue].exits += 1
        counts.secondsSaved += (ended - run.releaseTimes[ramp]).inSeconds
        let agrees =
          run.finalLabels.indices.contains(item) && run.labels[ramp * run.count + item] == run.finalLabels[item]
        counts.earlyAgreements += agrees ? 1 : 0
      }
      guard run.finalLabels.count == run.served else { return }
      for (position, exit) in exits.enumerated() {
        counts.ramps[exit.ramp.rawValue].observed += UInt64(run.served)
        for item in 0..<run.served where run.labels[position * run.count + item] == run.finalLabels[item] {
          counts.ramps[exit.ramp.rawValue].agreed += 1
        }
      }
    }
  }

  private func write(_ item: Int, _ exits: [ExitPolicy.Exit], _ version: UInt64, to slot: ObservationRing.Slot) {
    let left = run.exits[item]
    slot.header = ObservationRing.Header(
      batch: batchNumber, item: Int32(truncatingIfNeeded: item), batchSize: Int32(truncatingIfNeeded: run.count),
      exit: left < 0 ? -1 : Int32(exits[left].ramp.rawValue), label: run.finalLabels[item],
      exitsAllowed: !run.isExact[item], policyVersion: version)
    slot.scores.update(repeating: .nan)
    slot.labels.update(repeating: -1)
    for (position, exit) in exits.enumerated() {
      slot.scores[exit.ramp.rawValue] = run.errors[position * run.count + item]
      slot.labels[exit.ramp.rawValue] = run.labels[position * run.count + item]
    }
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

extension ServingError {
  /// What a run that failed means to who asked for it.
  init(_ error: any Error) {
    switch error {
    case let error as ServingError: self = error
    case EngineError.weightsReleased: self = .weightsAbsent
    default: self = .deviceFailed(reason: "\(error)")
    }
  }
}
