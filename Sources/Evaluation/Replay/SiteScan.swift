import Datasets
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Serving

/// What the ramps at *all* sites say of items, and what the model says: known to no policy in service, but what an oracle
/// decides by, and what one-time-tuned policies are tuned on.
public struct SiteScan: Sendable {
  public let sites: Int
  /// The model's own answers.
  public let answers: [Int]
  /// Item-major, `[item * sites + site]`.
  public let scores: [Float]
  /// As ``scores``: the ramp's answer is the model's own.
  public let agrees: [Bool]

  public var count: Int { answers.count }

  /// Runs all items through the model with all its ramps.
  ///
  /// - Parameter step: called with the number of items that have run.
  public init(
    _ model: PreparedModel, items: Items, device: Device, options: LoadedModel.Options = LoadedModel.Options(),
    batchSize: Int = 16, step: (Int) -> Void = { _ in }
  ) throws {
    var options = options
    options.sideOutputs = model.sideOutputs
    let loaded = try LoadedModel(graph: model.graph, device: device, options: options)
    let wanted = Set(model.description.ramps.map(\.logits) + [model.description.finalLogits])
    let sides = try loaded.sideOutputs(wanted.intersection(model.sideOutputs))
    var found = Rows()
    for first in stride(from: 0, to: items.count, by: batchSize) {
      let range = first..<min(first + batchSize, items.count)
      found.append(try loaded.run(items.batch(range), sides: sides), count: range.count, model.description)
      if let name = found.missing { throw EvaluationError.missingOutput(name: name) }
      step(range.upperBound)
    }
    self.init(sites: model.description.ramps.count, found)
  }

  private init(sites: Int, _ rows: Rows) {
    self.sites = sites
    answers = rows.answers
    scores = rows.scores
    agrees = rows.agrees
  }

  /// What batches bring.
  private struct Rows {
    var answers: [Int] = []
    var scores: [Float] = []
    var agrees: [Bool] = []
    var missing: String?

    mutating func append(_ outputs: [String: Tensor], count: Int, _ description: PreparedDescription) {
      let names = description.ramps.map(\.logits)
      missing = ([description.finalLogits] + names).first { outputs[$0] == nil }
      let final = outputs[description.finalLogits]?.floats ?? []
      let ramps = names.map { outputs[$0]?.floats ?? [] }
      let classes = description.classes
      for row in 0..<count where missing == nil {
        let answer = SiteScan.largest(final, row, classes)
        answers.append(answer)
        for logits in ramps {
          scores.append(SiteScan.score(logits[(row * classes)..<((row + 1) * classes)], description.errorScore))
          agrees.append(SiteScan.largest(logits, row, classes) == answer)
        }
      }
    }
  }

  private static func score(_ logits: ArraySlice<Float>, _ measure: ErrorScore) -> Float {
    let top = logits.max() ?? 0
    let powers = logits.map { exp($0 - top) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }.withUnsafeBufferPointer { measure.score(of: $0) }
  }

  private static func largest(_ values: [Float], _ row: Int, _ classes: Int) -> Int {
    values.withUnsafeBufferPointer { AnswerReader.largest(of: $0, at: row * classes, count: classes) }
  }

  /// The items as a controller would have observed them with every ramp active.
  public func window(batchSize: Int = 1) throws(EarlyExitError) -> ObservationWindow {
    var window = try ObservationWindow(sites: sites, capacity: max(1, count))
    for item in 0..<count {
      let range = (item * sites)..<((item + 1) * sites)
      let (row, flags) = (Array(scores[range]), Array(agrees[range]))
      try window.record(scores: row.span, agrees: flags.span, exit: .final, batchSize: batchSize)
    }
    return window
  }

  /// Where an oracle lets an item leave: at the first site whose answer is the model's own.
  public func oracleExit(of item: Int) -> ExitPosition {
    (0..<sites).first { agrees[item * sites + $0] }.map { .ramp(RampID($0)) } ?? .final
  }

  /// The latencies of an oracle, in milliseconds: each item's vanilla latency without the part of its run that follows the
  /// site where it leaves. Its ramps cost nothing, so no policy can be better.
  ///
  /// - Parameters:
  ///   - vanilla: the same items, served without ramps.
  ///   - profile: says which part of a run follows a site.
  public func oracleLatencies(_ vanilla: [ServedItem], profile: LatencyProfile) -> [Double] {
    vanilla.indices.map { item in
      let served = vanilla[item]
      guard case .ramp(let ramp) = oracleExit(of: item) else { return served.latencyMilliseconds }
      let latency = profile.latency(batchSize: served.batchSize)
      let rest = 1 - latency.untilSite[ramp.rawValue] / latency.total
      return served.latencyMilliseconds - (served.ended - served.started) * rest * 1e3
    }
  }
}
