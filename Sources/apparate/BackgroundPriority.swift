import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// The lowest priority that the system has, for this thread and those that it will start.
enum BackgroundPriority {
  /// `SCHED_IDLE` of `sched.h`: only what nobody else wants of the processors.
  private static let idlePolicy: Int32 = 5

  static func take() {
    #if os(Linux)
      var parameters = sched_param()
      sched_setscheduler(0, idlePolicy, &parameters)
    #endif
    // Where there is no such policy, and for the disk.
    _ = nice(19)
  }
}
