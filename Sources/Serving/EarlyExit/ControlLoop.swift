import Dispatch
import EarlyExit
import Foundation
import Synchronization

/// What happens to observations: the controller learns from them, on its own thread, and publishes policies.
///
/// The engine's thread never waits for it.
final class ControlLoop: @unchecked Sendable {
  // `flags` and `lastSave` are touched only under `controller`'s lock.
  private let ring: ObservationRing
  let heartbeat = Heartbeat()
  /// Guards the controller; held while it works and to look at its status. Never taken by the engine's thread, except
  /// in the synchronous mode.
  private let controller: Mutex<Controller?>
  private let stateFile: ControllerStateFile?
  private let savePeriod: Double
  private let onObservation: (@Sendable (Observation) -> Void)?
  private let publish: Mutex<(@Sendable (ExitPolicy) -> Void)?>
  private let log: @Sendable (String) -> Void
  private let flags: UnsafeMutableBufferPointer<Bool>
  private var unsaved = 0
  private var lastSave = DispatchTime.now()

  private let isEnding = Atomic<Bool>(false)
  private let wake = DispatchSemaphore(value: 0)
  private let hasEnded = DispatchSemaphore(value: 0)

  init(
    ring: ObservationRing, controller: Controller?, stateFile: ControllerStateFile?, savePeriod: Duration,
    onObservation: (@Sendable (Observation) -> Void)?, log: @escaping @Sendable (String) -> Void
  ) {
    self.ring = ring
    self.controller = Mutex(controller)
    self.stateFile = stateFile
    self.savePeriod = savePeriod.inSeconds
    self.onObservation = onObservation
    self.log = log
    publish = Mutex(nil)
    flags = .allocate(capacity: ring.sites)
    flags.initialize(repeating: false)
  }

  deinit { flags.deallocate() }

  /// What is done with new policies.
  func onPolicy(_ body: @escaping @Sendable (ExitPolicy) -> Void) { publish.withLock { $0 = body } }

  var status: ControllerStatus? { controller.withLock { $0?.status } }

  // MARK: The thread

  /// Works until ``end()``. Looks at the ring often while there is traffic and seldom while there is none.
  func work() {
    while !isEnding.load(ordering: .acquiring) {
      let pause: DispatchTimeInterval = drain() > 0 ? .milliseconds(5) : .milliseconds(100)
      _ = wake.wait(timeout: .now() + pause)
    }
    drain()
    save()
    hasEnded.signal()
  }

  /// Lets the thread end, with everything observed taken in and saved.
  ///
  /// - Returns: false when that took longer than `limit`.
  func end(within limit: Duration) -> Bool {
    isEnding.store(true, ordering: .releasing)
    wake.signal()
    return hasEnded.wait(timeout: .now() + limit.inSeconds) == .success
  }

  /// Takes in what was observed.
  ///
  /// - Returns: how many items.
  @discardableResult
  func drain() -> Int {
    var items = 0
    var published: ExitPolicy?
    controller.withLock { controller in
      while ring.next({ take($0, &controller) }) {
        items += 1
        if controller?.isUpdateDue ?? false, let policy = controller?.update() { published = policy }
      }
      unsaved += items
      let now = DispatchTime.now()
      if unsaved > 0, Double(now.uptimeNanoseconds - lastSave.uptimeNanoseconds) * 1e-9 >= savePeriod {
        save(controller)
      }
    }
    if let published, let publish = publish.withLock({ $0 }) { publish(published) }
    heartbeat.beat()
    return items
  }

  private func take(_ slot: ObservationRing.Slot, _ controller: inout Controller?) {
    let header = slot.header
    onObservation?(Observation(slot))
    for site in flags.indices { flags[site] = slot.labels[site] == header.label }
    do {
      try controller?.record(
        scores: Span(_unsafeElements: UnsafeBufferPointer(slot.scores)),
        agrees: Span(_unsafeElements: UnsafeBufferPointer(flags)),
        exit: header.exit < 0 ? .final : .ramp(RampID(Int(header.exit))), batchSize: Int(header.batchSize),
        exitsAllowed: header.exitsAllowed)
    } catch {
      log("an observation was not taken: \(error)")
    }
  }

  // MARK: State

  func save() { controller.withLock { save($0) } }

  private func save(_ controller: Controller?) {
    (unsaved, lastSave) = (0, DispatchTime.now())
    guard let stateFile, let controller else { return }
    do { try stateFile.write(controller) } catch { log("the controller's state was not saved: \(error)") }
  }
}
