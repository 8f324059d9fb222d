import Datasets
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Serving

/// What the frozen model says of the bootstrap items: its answers, and the features at its sites.
struct BootstrapFeatures {
  let labels: TeacherLabels
  /// For each site of the group.
  let features: [FeatureMatrix]
}

/// Runs the bootstrap items through a model that also gives what ramps are trained on.
struct FeatureCollector {
  private let collected: FeatureGraph
  private let model: LoadedModel
  private let batchSize: Int

  var sites: [FeatureGraph.Site] { collected.sites }

  init(_ collected: FeatureGraph, device: Device, batchSize: Int, options: LoadedModel.Options) throws {
    var options = options
    options.sideOutputs = collected.sideOutputs
    self.collected = collected
    model = try LoadedModel(graph: collected.graph, device: device, options: options)
    self.batchSize = batchSize
  }

  /// - Parameters:
  ///   - group: the sites whose features are wanted.
  ///   - step: called with the number of items that have run.
  func collect(
    _ items: Items, sites group: Range<Int>, step: (Int) -> Void
  ) throws -> BootstrapFeatures {
    let wanted = sites[group]
    // The logits may be one of the model's own outputs.
    let names = Set(wanted.map(\.output) + [collected.logits]).intersection(collected.sideOutputs)
    let sides = try model.sideOutputs(names)
    var features = wanted.map { site in
      var values: [Float] = []
      values.reserveCapacity(items.count * site.shape.count)
      return values
    }
    var logits: [Float] = []
    for first in stride(from: 0, to: items.count, by: batchSize) {
      let range = first..<min(first + batchSize, items.count)
      let outputs = try model.run(items.batch(range), sides: sides)
      func append(_ name: String, to values: inout [Float]) throws {
        guard let tensor = outputs[name] else { throw EngineError.unknownValue(name: name) }
        let floats = tensor.floats
        guard floats.allSatisfy(\.isFinite) else {
          throw PreparationError.notFinite(tensor: name, firstItem: range.lowerBound)
        }
        values += floats
      }
      for (index, site) in wanted.enumerated() { try append(site.output, to: &features[index]) }
      try append(collected.logits, to: &logits)
      step(range.upperBound)
    }
    return BootstrapFeatures(
      labels: try Self.labels(logits, items: items.count, classes: collected.classes),
      features: try zip(wanted, features).map { try FeatureMatrix($1, items: items.count, shape: $0.shape) })
  }

  private static func labels(_ logits: [Float], items: Int, classes: Int) throws -> TeacherLabels {
    let answers = (0..<items).map { item in
      let row = logits[(item * classes)..<((item + 1) * classes)]
      // The first of equals, as ArgMax has it.
      return row.indices.reduce(row.startIndex) { row[$1] > row[$0] ? $1 : $0 } - row.startIndex
    }
    return try TeacherLabels(answers: answers, classes: classes)
  }

  /// Sites in groups whose features fit into memory together; nearly always one.
  func groups(items: Int, limit: Int) -> [Range<Int>] {
    var groups: [Range<Int>] = []
    var start = 0
    var held = 0
    for (index, site) in sites.enumerated() {
      let needed = site.shape.count * items
      if index > start, held + needed > limit {
        groups.append(start..<index)
        (start, held) = (index, 0)
      }
      held += needed
    }
    if start < sites.count { groups.append(start..<sites.count) }
    return groups
  }
}
