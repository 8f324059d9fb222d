import Dispatch
import Synchronization

/// When somebody last showed signs of life, to be read from another thread.
final class Heartbeat: Sendable {
  private let last = Atomic<UInt64>(DispatchTime.now().uptimeNanoseconds)

  func beat() { last.store(DispatchTime.now().uptimeNanoseconds, ordering: .releasing) }

  var secondsSilent: Double {
    let now = DispatchTime.now().uptimeNanoseconds
    let then = last.load(ordering: .acquiring)
    return now > then ? Double(now - then) * 1e-9 : 0
  }
}
