import ArgumentParser
import Console
import Datasets
import EarlyExit
import Evaluation
import Foundation
import OpenCLRuntime

/// The paper's evaluation of early exits, with real runs of the real engine.
struct ExitsBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exits",
    abstract: "Compare exit policies on real streams: latency, agreement, throughput, overheads.",
    discussion: """
      Parts: policies (all policies in real time at half of the capacity), budget, constraint, style, batch (sweeps, as fast \
      as the engine goes), slo (batches as large as an objective allows), overhead (of controller, ramps, read-back), \
      throughput (at saturation), certified (200 seeded resamplings of the window). Policies that are compared take \
      turns in one run.
      """)

  @Option(
    help: "d1-resnet18, d1-lite0, d2, harm (ramps that know nothing of the stream), separated by commas.")
  var workloads = "d1-resnet18"

  @Option(help: "Which parts, separated by commas.")
  var parts = ExitPart.allCases.map(\.rawValue).joined(separator: ",")

  @Option(help: "The folder of models.")
  var models = "Tests/Workloads"

  @Option(
    help: "The tiles of D1, bootstrap and stream; the repository's are few (default: vtest-tiles.npz of --models).")
  var tiles: String?

  @Option(help: "The folder that make_sentiment.py wrote.")
  var sentiment = ".build-fixtures/sentiment"

  @Option(help: "A CSV file of arrival times for D2 (default: Poisson arrivals).")
  var trace: String?

  @Option(help: "Use at most so many items of a stream.")
  var limit: Int?

  @Option(help: "Threads of the device.")
  var threads: Int?

  @Option(help: "Of arrivals and resamplings.")
  var seed: UInt64 = 0

  @Flag(help: "Print one JSON object a line.")
  var json = false

  func validate() throws {
    if let limit, limit < 64 { throw ValidationError("--limit is at least 64") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is a number from 1 to 1024") }
    for part in parts.split(separator: ",") where ExitPart(rawValue: String(part)) == nil {
      throw ValidationError(
        "--parts are \(ExitPart.allCases.map(\.rawValue).joined(separator: ", ")), got \"\(part)\"")
    }
  }

  func run() throws {
    if let threads {
      ProcessorThreads.setCount(threads)
    }
    let folder = URL(filePath: models)
    let files = ExitFiles(
      workloads: folder, tiles: tiles.map { URL(filePath: $0) } ?? folder.appending(path: "vtest-tiles.npz"),
      sentiment: URL(filePath: sentiment), trace: trace.map { URL(filePath: $0) })
    let device = try Device.select()
    let report = Report(json: json)
    for name in workloads.split(separator: ",") {
      let workload = try ExitWorkload.named(String(name), files: files)
      let evaluation = try ExitEvaluation(
        workload, device: device, limit: limit ?? .max, seed: seed, progress: report.progress)
      for part in parts.split(separator: ",").compactMap({ ExitPart(rawValue: String($0)) }) {
        report.progress("\(workload.name): \(part.rawValue)")
        show(try evaluation.results(of: part), report)
      }
    }
  }

  private func show(_ results: ExitResults, _ report: Report) {
    if json {
      for row in results.rows { report.line(row) }
      for figure in results.figures { report.line(figure) }
      return
    }
    if !results.rows.isEmpty {
      var table = Table(ExitRow.heading)
      for row in results.rows { table.add(row.cells) }
      print(table.text)
    }
    for figure in results.figures { print(figure.text) }
    fflush(nil)
  }
}

enum ExitPart: String, CaseIterable {
  case policies, budget, constraint, style, batch, slo, overhead, throughput, certified
}

struct ExitResults {
  var rows: [ExitRow] = []
  var figures: [ExitFigure] = []
}
