import Datasets
import EarlyExit
import Evaluation
import Foundation

/// Whether certified policies keep what they promise: windows are drawn from a stream again and again, and each policy's
/// disagreement is then counted on the whole stream, which is the truth that the window was drawn from.
struct CertifiedResampling {
  private static let resamplings = 200
  private let prepared: PreparedWorkload
  private let seed: UInt64

  init(_ prepared: PreparedWorkload, seed: UInt64) {
    self.prepared = prepared
    self.seed = seed
  }

  func results() throws -> ExitResults {
    var results = ExitResults()
    for items in [1_024, 2_048, 4_096] {
      for guarantee in Guarantee.allCases {
        let outcome = try resample(guarantee, items: items)
        let name = "\(guarantee.rawValue), windows of \(items):"
        results.figures += [
          figure("\(name) policies beyond the constraint", outcome.violations * 100, "%"),
          figure("\(name) mean latency saved", outcome.saving * 100, "%"),
          figure("\(name) mean true disagreement", outcome.disagreement * 100, "%"),
        ]
      }
    }
    return results
  }

  private func figure(_ name: String, _ value: Double, _ unit: String) -> ExitFigure {
    ExitFigure(
      workload: prepared.workload.name, part: ExitPart.certified.rawValue, name: name, value: value, unit: unit)
  }

  private struct Outcome {
    var violations = 0.0
    var saving = 0.0
    var disagreement = 0.0
  }

  private func resample(_ guarantee: Guarantee, items: Int) throws -> Outcome {
    let profile = try prepared.profile
    let rows = ControllerCosts.rows(prepared.scan)
    let ramps = prepared.model.description.startingRamps.map { RampID($0) }
    var options = ControllerOptions()
    options.guarantee = guarantee
    options.windowCapacity = items
    options.tuningItems = items
    // Once, when the window is full; ramps stay.
    options.tuningPeriod = items
    options.adjustmentPeriod = 0
    let tolerated = options.accuracy.toleratedDisagreement
    var outcome = Outcome()
    for round in 0..<Self.resamplings {
      var generator = SeededGenerator(seed: seed &+ UInt64(round) &* 0x9E37_79B9)
      var controller = try Controller(profile: profile, options: options, initialRamps: ramps)
      for _ in 0..<items {
        let row = rows[Int.random(in: 0..<rows.count, using: &generator)]
        try controller.record(scores: row.scores.span, agrees: row.agrees.span, exit: .final, batchSize: 1)
      }
      _ = controller.update()
      let truth = self.truth(of: controller.policy, rows, profile)
      outcome.violations += truth.disagreement > tolerated + 1e-12 ? 1 : 0
      outcome.saving += truth.saving
      outcome.disagreement += truth.disagreement
    }
    let count = Double(Self.resamplings)
    return Outcome(
      violations: outcome.violations / count, saving: outcome.saving / count,
      disagreement: outcome.disagreement / count)
  }

  /// What a policy does to the whole stream.
  private func truth(
    of policy: ExitPolicy, _ rows: [(scores: [Float], agrees: [Bool])], _ profile: LatencyProfile
  ) -> (disagreement: Double, saving: Double) {
    let latency = profile.measured[0]
    var (disagreements, saved) = (0, 0.0)
    for row in rows {
      for exit in policy.exits where exit.releases(row.scores[exit.ramp.rawValue]) {
        disagreements += row.agrees[exit.ramp.rawValue] ? 0 : 1
        saved += latency.total - latency.untilSite[exit.ramp.rawValue]
        break
      }
    }
    let count = Double(max(1, rows.count))
    return (Double(disagreements) / count, saved / count / latency.total)
  }
}
