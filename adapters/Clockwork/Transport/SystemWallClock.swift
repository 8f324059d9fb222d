#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

enum SystemWallClock {
  static func nanosecondsSinceEpoch() -> Nanoseconds {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Nanoseconds(max(0, time.tv_sec)) * 1_000_000_000 + Nanoseconds(max(0, time.tv_nsec))
  }
}
