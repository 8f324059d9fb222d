import EarlyExit
import InferenceEngine
import ModelGraph

extension PreparedModel {
  /// Measures what the model's segments and ramps take on a device, by running them.
  ///
  /// - Parameters:
  ///   - model: this model, loaded with its side outputs. It should have the device for itself.
  ///   - batchSizes: to be measured.
  ///   - inputs: of a batch of some size.
  ///   - secondsPerSize: about how long to measure each size; medians over as many runs as fit, five at least.
  public func measureLatencies(
    of model: LoadedModel, batchSizes: [Int], secondsPerSize: Double = 1, inputs: (Int) throws -> [String: Tensor],
    progress: (Int) -> Void = { _ in }
  ) throws -> LatencyProfile {
    let sites = description.ramps.map(\.site)
    let groups = try description.ramps.map { try model.sideOutputs([$0.logits] + $0.answers.values) }
    var measured: [LatencyProfile.BatchLatency] = []
    for size in batchSizes.sorted() {
      let batch = try inputs(size)
      _ = try model.prepare(batch)
      let once = try model.times(batch, until: [], repetitions: 3).total
      // Runs until the sites take half of whole runs, on average.
      let fitting = secondsPerSize / max(1e-6, once * (1 + Double(sites.count) / 2))
      let repetitions = Int(min(200, max(5, fitting)))
      let segments = try model.times(batch, until: sites, repetitions: repetitions)
      let costs = try model.times(batch, of: groups, repetitions: 15)
      measured.append(
        .init(batchSize: size, untilSite: segments.untilCut, rampCost: costs, total: segments.total))
      progress(size)
    }
    return try LatencyProfile(measured)
  }
}
