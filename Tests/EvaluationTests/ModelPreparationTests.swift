import Datasets
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import Serving
import Testing

@testable import Preparation

@Suite struct ModelPreparationTests {
  @Test func givesEverySiteARamp() throws {
    let prepared = try PreparedTraffic.shared.get()
    let report = prepared.outcome.report
    #expect(report.sites.count == 9 && report.classes == 3 && report.items == 64)
    #expect(report.trainingItems + report.validationItems == 64)
    #expect(report.sites.map(\.ramp) == Array(0..<9))
    let shares = report.sites.map(\.latencyShare)
    #expect(
      zip(shares, shares.dropFirst()).allSatisfy { $0 <= $1 } && (shares.first ?? 0) > 0 && (shares.last ?? 1) <= 1)
    for site in report.sites {
      #expect((0...1).contains(site.agreement) && site.temperature > 0 && site.costMilliseconds >= 0)
      #expect(site.parameters > 0)
    }
    // Behind the last block the features are those that the model's own classifier reads.
    let last = try #require(report.sites.last)
    #expect(last.agreement >= 0.85, "the last ramp agrees on \(last.agreement) of the validation items only")
  }

  @Test func startsWithinTheBudgetAndWithoutExits() throws {
    let prepared = try PreparedTraffic.shared.get()
    let description = prepared.outcome.model.description
    let profile = try #require(description.latencyProfile)
    #expect(profile.sites == 9 && profile.measured.map(\.batchSize) == [1])
    #expect(profile.admits(description.startingRamps.map { RampID($0) }, budget: 0.2))
    #expect(prepared.outcome.report.slowdown <= 0.2 * (1 + 1e-9))
    #expect(prepared.outcome.report.sites.filter(\.isActive).map(\.ramp) == description.startingRamps)
  }

  @Test func leavesTheModelsOwnOutputsAsTheyAre() throws {
    let prepared = try PreparedTraffic.shared.get()
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).onnx").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try prepared.outcome.model.write(to: path, original: PreparedTraffic.modelPath)
    let read = try PreparedModel(path: path)
    #expect(read.description.ramps.count == 9)
    #expect(read.description.startingRamps == prepared.outcome.model.description.startingRamps)

    // What was learnt of the bootstrap items goes with the file.
    let evidence = try #require(read.description.evidence)
    #expect(evidence.items == 64 && evidence == prepared.outcome.model.description.evidence)

    let batch = try PreparedTraffic.items("stream", limit: 16).batch(0..<16)
    var options = PreparedTraffic.loading
    let plain = try LoadedModel(path: PreparedTraffic.modelPath, device: prepared.device, options: options)
      .run(batch)
    options.sideOutputs = read.sideOutputs
    let model = try LoadedModel(graph: read.graph, device: prepared.device, options: options)
    let all = try model.run(batch, sides: try model.sideOutputs(read.sideOutputs))
    for (name, tensor) in plain {
      let other = try #require(all[name])
      #expect(tensor.storage.withUnsafeBytes { Array($0) } == other.storage.withUnsafeBytes { Array($0) })
    }
  }

  @Test func needsItemsOfSeveralClasses() throws {
    let prepared = try PreparedTraffic.shared.get()
    let preparation = try ModelPreparation(
      path: PreparedTraffic.modelPath, device: prepared.device, options: PreparedTraffic.options(),
      modelOptions: PreparedTraffic.loading)
    #expect(throws: PreparationError.tooFewItems(count: 8, least: 16)) {
      try preparation.prepare(on: try PreparedTraffic.items("bootstrap", limit: 8))
    }
  }

  @Test func refusesOptionsOutOfRange() throws {
    let device = try PreparedTraffic.shared.get().device
    func failure(_ change: (inout PreparationOptions) -> Void) -> String {
      var options = PreparationOptions()
      change(&options)
      do throws(PreparationError) {
        _ = try ModelPreparation(path: "x", device: device, options: options)
        return ""
      } catch { return "\(error)" }
    }
    #expect(failure { $0.rampBudget = -1 }.contains("ramp budget"))
    #expect(failure { $0.trainingFraction = 1 }.contains("training fraction"))
    #expect(failure { $0.batchSizes = [] }.contains("batch sizes"))
    #expect(failure { $0.collectionBatch = 0 }.contains("collection batch"))
  }
}
