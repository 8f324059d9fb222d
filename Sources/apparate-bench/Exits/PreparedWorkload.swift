import Datasets
import EarlyExit
import Evaluation
import Foundation
import InferenceEngine
import OpenCLRuntime
import Preparation
import Serving

/// A workload whose model has ramps, with what is known of its stream.
struct PreparedWorkload {
  let workload: ExitWorkload
  let device: Device
  let model: PreparedModel
  let preparation: PreparationReport
  let stream: Items
  /// What all ramps say of the stream.
  let scan: SiteScan

  init(
    _ workload: ExitWorkload, device: Device, style: RampStyle = .poolingLinear, budget: Double = 0.02,
    limit: Int = .max, progress: (String) -> Void
  ) throws {
    guard FileManager.default.fileExists(atPath: workload.model.path) else {
      throw BenchError.missingFile(path: workload.model.path, hint: "run .ci/fixtures, or give --workloads")
    }
    var options = PreparationOptions()
    options.style = style
    options.rampBudget = budget
    progress("\(workload.name): preparing with \(style.rawValue) ramps")
    let outcome = try ModelPreparation(path: workload.model.path, device: device, options: options)
      .prepare(on: try workload.bootstrapItems())
    progress("\(workload.name): scanning the stream")
    self.workload = workload
    self.device = device
    model = outcome.model
    preparation = outcome.report
    stream = try workload.streamItems(limit: limit)
    scan = try SiteScan(outcome.model, items: stream, device: device)
  }

  /// Items a second that the model answers one by one, without ramps: on items from all over the stream, whose lengths may
  /// differ.
  func capacity() throws -> Double {
    let count = min(stream.count, 256)
    let positions = (0..<count).map { $0 * stream.count / count }
    let seconds = try EngineTurns(self, controls: [.pinned(.none)]).secondsOfBatches(positions)
    return Double(count) / seconds.reduce(0, +)
  }

  var profile: LatencyProfile {
    get throws {
      guard let profile = model.description.latencyProfile else {
        throw EvaluationError.notPrepared(model: workload.name)
      }
      return profile
    }
  }

  func session(_ change: (inout ReplayOptions) throws -> Void) throws -> ReplaySession {
    var options = ReplayOptions()
    options.stream = workload.stream.map(\.name)
    try change(&options)
    return ReplaySession(model, name: workload.name, device: device, options: options)
  }
}
