import COpenCL
import Foundation
import Synchronization

/// Where the threads of a device that is this machine's processor run, and the host's thread among them.
///
/// A run of a small model is shorter than the scheduler's time slice. Left alone, two of PoCL's workers may share a core for
/// all of a run while another core idles, and a host thread that a worker wakes may wait until a worker's slice is over.
public enum ProcessorThreads {
  /// Whether each of PoCL's workers stays on a core of its own. True only once devices have been asked for.
  public static var workersArePinned: Bool { pinned.load(ordering: .acquiring) }
  private static let pinned = Atomic<Bool>(false)

  /// PoCL 3 reads the first of these, 4 and later the second, when its first device is asked for.
  private static let countVariables = ["POCL_MAX_PTHREAD_COUNT", "POCL_CPU_MAX_CU_COUNT"]

  /// How many threads PoCL's device has. To be said before devices are asked for; by default all cores.
  public static func setCount(_ threads: Int) {
    for name in countVariables { setenv(name, "\(threads)", 1) }
  }

  /// Pins PoCL's workers when there is one for every core of the machine; with fewer, several processes may share it.
  /// `POCL_AFFINITY` says otherwise. PoCL reads it when its first device is asked for.
  static func pinWorkers() {
    let cores = Int(shim_first_cores())
    let wanted = countVariables.compactMap { name in getenv(name) }
    if cores > 0, wanted.allSatisfy({ Int(atoi($0)) == cores }) { setenv("POCL_AFFINITY", "1", 0) }
    pinned.store(getenv("POCL_AFFINITY").map { atoi($0) == 1 } ?? false, ordering: .releasing)
  }

  /// Lets timed waits of the calling thread end when they should; by default Linux may be 50 µs late.
  public static func wakesOnTime() { shim_wake_on_time() }

  /// Lets the calling thread, which sleeps most of the time, run at once when a device wakes it, though the device's own
  /// threads keep all cores busy. Linux 6.12 and later.
  ///
  /// Only with pinned workers: others would be moved out of the way, to each other's cores.
  public static func runsWhenWoken() {
    if workersArePinned { shim_ask_for_slices(100_000) }
  }
}
