import Datasets
import EarlyExit
import Evaluation
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Serving

/// All measurements on one workload.
struct ExitEvaluation {
  private let base: PreparedWorkload
  private let limit: Int
  private let seed: UInt64
  private let progress: (String) -> Void

  init(
    _ workload: ExitWorkload, device: Device, limit: Int, seed: UInt64, progress: @escaping (String) -> Void
  ) throws {
    base = try PreparedWorkload(workload, device: device, limit: limit, progress: progress)
    self.limit = limit
    self.seed = seed
    self.progress = progress
  }

  func results(of part: ExitPart) throws -> ExitResults {
    switch part {
    case .policies: try policies()
    case .budget: try budgets()
    case .constraint: try constraints()
    case .style: try styles()
    case .batch: try batches()
    case .slo: try objectives()
    case .overhead: try overheads()
    case .throughput: try throughput()
    case .certified: try CertifiedResampling(base, seed: seed).results()
    }
  }

  private func rows(_ records: [ReplayRecord], _ part: ExitPart, _ setting: String = "") -> [ExitRow] {
    records.map { ExitRow($0, workload: base.workload.name, part: part.rawValue, setting: setting) }
  }

  /// Every policy in real time, at half of what the model can do without exits.
  private func policies() throws -> ExitResults {
    let capacity = try base.capacity()
    let session = try base.session { options in
      options.arrivals = try base.workload.arrivals(capacity / 2)
      options.seed = seed
    }
    let window = try session.tuningWindow(try base.workload.bootstrapItems())
    let policies: [ReplayPolicy] = [.apparate, .paper, .staticShared, .staticPerRamp, .hindsight, .optimal]
    let records = try session.compare(policies, base.stream, bootstrap: window, scan: base.scan)
    return ExitResults(rows: rows(records, .policies))
  }

  /// As fast as the engine goes, so that a sweep ends: a latency is then that of a batch that never waits.
  private func fast(
    _ prepared: PreparedWorkload, _ policies: [ReplayPolicy] = [.apparate, .paper],
    _ change: (inout ReplayOptions) throws -> Void
  ) throws -> [ReplayRecord] {
    let session = try prepared.session { options in
      options.speed = .fast
      options.seed = seed
      try change(&options)
    }
    return try session.compare(policies, prepared.stream, scan: prepared.scan)
  }

  private func budgets() throws -> ExitResults {
    var results = ExitResults()
    for budget in [0.01, 0.02, 0.05, 0.1] {
      progress("\(base.workload.name): ramp budget \(budget)")
      results.rows += rows(try fast(base) { $0.rampBudget = budget }, .budget, "budget \(budget)")
    }
    return results
  }

  private func constraints() throws -> ExitResults {
    var results = ExitResults()
    for loss in [0.005, 0.01, 0.02, 0.05] {
      progress("\(base.workload.name): tolerated disagreement \(loss)")
      let records = try fast(base) { $0.accuracy = try AccuracyConstraint(1 - loss) }
      results.rows += rows(records, .constraint, "loss \(loss)")
    }
    return results
  }

  private func styles() throws -> ExitResults {
    var results = ExitResults()
    for style in RampStyle.allCases {
      let prepared =
        style == .poolingLinear
        ? base
        : try PreparedWorkload(base.workload, device: base.device, style: style, limit: limit, progress: progress)
      results.rows += rows(try fast(prepared) { _ in }, .style, style.rawValue)
      let name = "slow-down by a \(style.rawValue) ramp, mean over sites"
      let shares = prepared.preparation.sites.map(\.costShare)
      results.figures.append(figure(.style, name, shares.reduce(0, +) / Double(shares.count) * 100, "%"))
      let agreements = prepared.preparation.sites.map(\.agreement)
      results.figures.append(
        figure(
          .style, "\(style.rawValue) ramps' agreement on validation, mean over sites",
          agreements.reduce(0, +) / Double(agreements.count) * 100, "%"))
    }
    return results
  }

  private func batches() throws -> ExitResults {
    var results = ExitResults()
    for size in [1, 2, 4, 8] {
      progress("\(base.workload.name): batches of \(size)")
      results.rows += rows(try fast(base) { $0.largestBatch = size }, .batch, "batch \(size)")
    }
    return results
  }

  /// As a platform would batch: as many items as leave half of the objective for waiting.
  private func objectives() throws -> ExitResults {
    var results = ExitResults()
    let profile = try base.profile
    for multiple in [2.0, 4, 8] {
      let objective = profile.measured[0].total * multiple
      let size = profile.measured.last { $0.total <= objective / 2 }?.batchSize ?? 1
      let rate = 0.6 * Double(size) / profile.latency(batchSize: size).total
      progress("\(base.workload.name): objective of \(multiple) x the latency, batches of at most \(size)")
      let session = try base.session { options in
        options.arrivals = (String(format: "poisson:%.3f", rate), .poisson(rate: rate))
        options.largestBatch = size
        options.seed = seed
      }
      let records = try session.compare([.apparate], base.stream, scan: base.scan)
      results.rows += rows(records, .slo, "objective x\(Int(multiple))")
      for (name, items) in [("vanilla", records[0].vanilla), ("apparate", records[0].served)] {
        let late = items.count { $0.latencyMilliseconds > objective * 1e3 }
        results.figures.append(
          figure(
            .slo, "\(name), beyond an objective of \(Int(multiple)) x the latency",
            Double(late) / Double(items.count) * 100, "%"))
      }
    }
    return results
  }

  private func figure(_ part: ExitPart, _ name: String, _ value: Double, _ unit: String) -> ExitFigure {
    ExitFigure(workload: base.workload.name, part: part.rawValue, name: name, value: value, unit: unit)
  }

  /// What everything costs that vanilla does not have.
  private func overheads() throws -> ExitResults {
    var results = ExitResults()
    let profile = try base.profile
    let starting = base.model.description.startingRamps.map { RampID($0) }
    results.figures.append(figure(.overhead, "active ramps", Double(starting.count), ""))
    results.figures.append(
      figure(.overhead, "their slow-down by the profile", profile.slowdown(of: starting) * 100, "%"))

    let turns = try EngineTurns(
      base, controls: [.pinned(.none), .pinned(.idle(starting)), .adaptive(ControllerOptions(), stateFile: nil)])
    let seconds = try turns.secondsPerBatch(items: min(base.stream.count, 1_024), blocks: 8)
    func change(_ values: [Double], _ against: [Double]) -> Double {
      Distribution(zip(values, against).map { $0 / $1 - 1 }).median * 100
    }
    results.figures += [
      figure(.overhead, "a batch without ramps", Distribution(seconds[0]).median * 1e3, "ms"),
      figure(.overhead, "slower with ramps, read-back and decisions", change(seconds[1], seconds[0]), "%"),
      figure(.overhead, "slower with the controller as well", change(seconds[2], seconds[0]), "%"),
    ]
    results.figures += try ControllerCosts(base).figures.map { figure(.overhead, $0.name, $0.value, $0.unit) }
    return results
  }

  /// Batches queued one behind another: items a second, with exits and without.
  private func throughput() throws -> ExitResults {
    var results = ExitResults()
    for size in [1, 8] {
      let turns = try EngineTurns(
        base, controls: [.pinned(.none), .adaptive(ControllerOptions(), stateFile: nil)], batchSize: size)
      // Blocks so long that an engine which sees overload has time to act on it.
      let rates = try turns.itemsPerSecond(items: 8_192, blocks: 8)
      results.figures += [
        figure(.throughput, "vanilla, batches of \(size)", Distribution(rates[0]).median, "items/s"),
        figure(.throughput, "apparate, batches of \(size)", Distribution(rates[1]).median, "items/s"),
        figure(
          .throughput, "apparate ÷ vanilla, batches of \(size)",
          Distribution(zip(rates[1], rates[0]).map { $0 / $1 }).median, ""),
      ]
    }
    return results
  }
}

extension ExitPolicy {
  /// Ramps that run and release nothing.
  static func idle(_ ramps: [RampID]) throws -> ExitPolicy {
    try ExitPolicy(version: 1, exits: ramps.map { Exit(ramp: $0, threshold: 0) })
  }
}
