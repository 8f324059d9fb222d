import EarlyExit
import Evaluation
import Foundation

/// What deciding costs, single-threaded, on what the ramps said of a real stream.
struct ControllerCosts {
  private let prepared: PreparedWorkload

  init(_ prepared: PreparedWorkload) { self.prepared = prepared }

  var figures: [(name: String, value: Double, unit: String)] {
    get throws {
      let profile = try prepared.profile
      let scan = prepared.scan
      let window = try scan.window()
      let ramps = Self.spread(8, of: scan.sites).map { RampID($0) }
      let tuning = Self.median(41) {
        _ = ThresholdTuner().tuned(for: window, newest: 512, ramps: ramps, profile: profile, under: .standard)
      }
      let greedy = Self.median(41) {
        _ = GreedyTuner().tuned(for: window, newest: 512, ramps: ramps, profile: profile, under: .standard)
      }
      var figures: [(name: String, value: Double, unit: String)] = [
        ("tuning \(ramps.count) ramps over 512 items", tuning * 1e3, "ms"),
        ("the paper's tuner on the same", greedy * 1e3, "ms"),
        ("recording an observation", try recording(profile) * 1e9, "ns per item and ramp"),
      ]
      figures.append(("the controller, all in all", try controlling(profile) * 1e6, "µs per item"))
      return figures
    }
  }

  private static func spread(_ count: Int, of sites: Int) -> [Int] {
    let count = min(count, sites)
    return (0..<count).map { $0 * sites / count }
  }

  private static func median(_ rounds: Int, _ body: () -> Void) -> Double {
    Distribution((0..<rounds).map { _ in ContinuousClock().measure(body).seconds }).median
  }

  private func recording(_ profile: LatencyProfile) throws -> Double {
    let scan = prepared.scan
    var window = try ObservationWindow(sites: scan.sites, capacity: 4_096)
    let rounds = max(1, 100_000 / scan.count)
    let rows = Self.rows(scan)
    let start = ContinuousClock.now
    for _ in 0..<rounds {
      for row in rows {
        try window.record(scores: row.scores.span, agrees: row.agrees.span, exit: .final, batchSize: 1)
      }
    }
    return start.duration(to: .now).seconds / Double(rounds * rows.count * max(1, scan.sites))
  }

  /// Recording, tuning, certifying and adjusting over the whole stream.
  private func controlling(_ profile: LatencyProfile) throws -> Double {
    var controller = try Controller(profile: profile)
    let rows = Self.rows(prepared.scan)
    let start = ContinuousClock.now
    for row in rows {
      var exit = ExitPosition.final
      for candidate in controller.policy.exits where candidate.releases(row.scores[candidate.ramp.rawValue]) {
        exit = .ramp(candidate.ramp)
        break
      }
      try controller.record(scores: row.scores.span, agrees: row.agrees.span, exit: exit, batchSize: 1)
      if controller.isUpdateDue { _ = controller.update() }
    }
    return start.duration(to: .now).seconds / Double(rows.count)
  }

  static func rows(_ scan: SiteScan) -> [(scores: [Float], agrees: [Bool])] {
    (0..<scan.count).map { item in
      let range = (item * scan.sites)..<((item + 1) * scan.sites)
      return (Array(scan.scores[range]), Array(scan.agrees[range]))
    }
  }
}
