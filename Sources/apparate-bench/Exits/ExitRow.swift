import Evaluation
import Foundation

/// One line of the evaluation of exits: how a policy did on a workload, beside vanilla in the same run.
struct ExitRow: Encodable {
  let workload: String
  let part: String
  /// What was varied, for example "budget 0.05"; empty for the main comparison.
  let setting: String
  let policy: String
  let items: Int
  let vanillaMedian: Double
  let median: Double
  /// 1 − median ÷ vanilla's.
  let medianSaving: Double
  /// The oracle's median saving, and this one's share of it.
  let oracleSaving: Double
  let shareOfOracle: Double
  let vanillaP95: Double
  let p95: Double
  let vanillaP99: Double
  let p99: Double
  let agreement: Double
  let agreementLow: Double
  let agreementHigh: Double
  let exitShare: Double
  /// Agreement by part of the stream.
  let parts: [String: Double]

  init(_ record: ReplayRecord, workload: String, part: String, setting: String) {
    let report = record.report()
    let (vanilla, own) = (report.runs[0].latency, report.runs[1].latency)
    let oracle = report.runs.count > 2 ? report.runs[2].latency.median : own.median
    self.workload = workload
    self.part = part
    self.setting = setting
    policy = report.setup.policy
    items = report.setup.items
    (vanillaMedian, median) = (vanilla.median, own.median)
    medianSaving = report.medianSaving
    oracleSaving = 1 - oracle / vanilla.median
    shareOfOracle = oracleSaving > 0 ? medianSaving / oracleSaving : 1
    (vanillaP95, p95, vanillaP99, p99) = (vanilla.p95, own.p95, vanilla.p99, own.p99)
    (agreement, agreementLow, agreementHigh) =
      (report.agreement.share, report.agreement.low, report.agreement.high)
    exitShare = report.exitShare
    parts = Dictionary(report.parts.map { ($0.name, $0.agreement.share) }, uniquingKeysWith: { first, _ in first })
  }

  static let heading = [
    "workload", "setting", "policy", "vanilla ms", "median ms", "saved", "oracle", "of oracle", "P95", "P99",
    "agreement [95 %]", "left early", "by part",
  ]

  var cells: [String] {
    func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }
    func fine(_ share: Double) -> String { String(format: "%.2f", share * 100) }
    let byPart =
      parts.count < 2
      ? ""
      : parts.sorted { $0.key < $1.key }.map { "\($0.key) \(fine($0.value))" }
        .joined(separator: ", ")
    return [
      workload, setting, policy, String(format: "%.2f", vanillaMedian), String(format: "%.2f", median),
      percent(medianSaving), percent(oracleSaving), percent(shareOfOracle),
      String(format: "%+.1f %%", (p95 / vanillaP95 - 1) * 100),
      String(format: "%+.1f %%", (p99 / vanillaP99 - 1) * 100),
      "\(fine(agreement)) [\(fine(agreementLow)), \(fine(agreementHigh))]", percent(exitShare), byPart,
    ]
  }
}

/// A measured figure that is no replay.
struct ExitFigure: Encodable {
  let workload: String
  let part: String
  let name: String
  let value: Double
  let unit: String

  var text: String { "\(workload)  \(name): \(String(format: "%.4g", value)) \(unit)" }
}
