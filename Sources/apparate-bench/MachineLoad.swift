import Foundation

/// Processor time that others use while engines are timed.
///
/// Engines whose threads spin (ONNX Runtime's do) lose several times more than others when a core is taken from them,
/// so figures of a busy machine are not only noisy but unfair.
struct MachineLoad {
  private let busy: Int
  private let ours: Int
  private let start = ContinuousClock.now

  /// The kernel's clock for processor time: USER_HZ, 100 on every platform that Swift runs on.
  private static let ticksPerSecond = 100.0

  /// Above this share of one core, a round counts as disturbed.
  static let tolerated = 0.1

  /// Begins to watch, with the processor ticks that the engines' own processes have used so far.
  init?(ours: Int) {
    guard let busy = Self.busyTicks() else { return nil }
    self.busy = busy
    self.ours = ours
  }

  /// How many cores others kept busy since the start, 0.5 being half of one.
  func othersShare(ours now: Int) -> Double {
    guard let busyNow = Self.busyTicks() else { return 0 }
    let others = Double((busyNow - busy) - (now - ours))
    let elapsed = start.duration(to: .now).seconds * Self.ticksPerSecond
    return elapsed > 0 ? max(0, others / elapsed) : 0
  }

  /// proc(5): user, nice, system, idle, iowait, irq, softirq, steal; all but idle and iowait are busy.
  private static func busyTicks() -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
      let line = text.split(separator: "\n").first, line.hasPrefix("cpu ")
    else { return nil }
    let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Int($0) }
    guard ticks.count == 8 else { return nil }
    return ticks.reduce(0, +) - ticks[3] - ticks[4]
  }
}
