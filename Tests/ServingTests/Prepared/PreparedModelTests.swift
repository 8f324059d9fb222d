import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import Serving
import Testing

@Suite("Prepared models")
struct PreparedModelTests {
  /// Which ramps are active, by ramp.
  private static func subsets(_ count: Int) -> [[Int]] {
    [[], Array(0..<count), [0], [count - 1], [count / 2, count - 1], Array(stride(from: 1, to: count, by: 2)), []]
  }

  @Test(arguments: Workload.all)
  func theModelsOwnOutputsHaveTheSameBitsWithAnyRampsActive(in workload: Workload) throws {
    let prepared = try workload.prepared()
    let count = prepared.description.ramps.count
    #expect(count >= 5)
    let inputs = workload.inputs(items: 0..<3)
    let original = try LoadedModel(
      graph: workload.graph(), device: Workload.device.get(), options: workload.load(prepared).plainOptions
    ).run(inputs)
    for singleLaunch in [false, true] where !singleLaunch || workload.name == "ResNet-18" {
      let model = try workload.load(prepared) { $0.singleLaunch = singleLaunch }
      #expect(Set(model.sideOutputNames) == prepared.sideOutputs)
      if singleLaunch { #expect(try model.prepare(inputs).usesSingleLaunch) }
      var logits: [String: [UInt8]] = [:]
      for subset in Self.subsets(count) {
        let names = subset.map { prepared.description.ramps[$0].logits }
        let outputs = try model.run(inputs, sides: model.sideOutputs(names))
        #expect(Set(outputs.keys) == Set(prepared.description.outputs + names))
        for (name, tensor) in original { #expect(outputs[name]?.bytes == tensor.bytes, "\(name) with ramps \(subset)") }
        for name in names {
          let bytes = try #require(outputs[name]).bytes
          #expect(logits[name, default: bytes] == bytes, "\(name) depends on what else is active")
          logits[name] = bytes
        }
      }
    }
  }

  @Test(arguments: Workload.all)
  func rampsComputeWhatTheirDefinitionSays(in workload: Workload) throws {
    for style in RampStyle.allCases where style != .convPoolLinear || !workload.isText {
      let graph = try workload.graph()
      let sites = try workload.sites(of: graph)
      let features = FeatureGraph(graph, sites, style: style)
      let prepared = try workload.prepared(style)
      var options = LoadedModel.Options()
      options.singleLaunch = false
      options.sideOutputs = features.sideOutputs
      let collector = try LoadedModel(graph: features.graph, device: Workload.device.get(), options: options)
      let model = try workload.load(prepared)
      let inputs = workload.inputs(items: 0..<4)
      let collected = try collector.run(inputs, sides: collector.sideOutputs(features.sideOutputs))
      let outputs = try model.run(inputs, sides: model.sideOutputs(prepared.sideOutputs))
      #expect(collected[features.logits]?.bytes == outputs[prepared.description.finalLogits]?.bytes)
      for (index, site) in features.sites.enumerated() {
        var random = SplitMix64(seed: UInt64(index) * 77 + 5)
        let weights = try RampWeights.random(style, for: site.shape, classes: features.classes, &random)
        let matrix = try FeatureMatrix(#require(collected[site.output]).floats, items: 4, shape: site.shape)
        let expected = try weights.logits(of: matrix)
        let got = try #require(outputs[prepared.description.ramps[index].logits]).floats
        let scale = max(1, expected.map(abs).max() ?? 1)
        #expect(zip(got, expected).allSatisfy { abs($0 - $1) <= 1e-4 * scale }, "\(style) at \(site.site.name)")
      }
    }
  }

  @Test(arguments: Workload.all)
  func aRampsBitsDoNotDependOnTheBatch(in workload: Workload) throws {
    let prepared = try workload.prepared()
    let model = try workload.load(prepared)
    let sides = try model.sideOutputs(prepared.sideOutputs)
    let alone = try (0..<5).map { try model.run(workload.inputs(items: $0..<($0 + 1)), sides: sides) }
    for size in [2, 3, 5] {
      let outputs = try model.run(workload.inputs(items: 0..<size), sides: sides)
      for name in prepared.sideOutputs {
        for item in 0..<size {
          #expect(
            try #require(outputs[name]).items(item..<item + 1).bytes == #require(alone[item][name]).bytes,
            "\(name) of item \(item) among \(size)")
        }
      }
    }
  }

  @Test func sideOutputsComeInOrderAndWhileTheDeviceGoesOn() throws {
    let prepared = try Workload.resnet.prepared()
    for singleLaunch in [false, true] {
      let model = try Workload.resnet.load(prepared) { $0.singleLaunch = singleLaunch }
      let names = prepared.description.ramps.map(\.logits)
      let sides = try model.sideOutputs(names)
      _ = try model.prepare(Workload.resnet.inputs(items: 0..<2))
      var seen: [Int] = []
      let inputs = Workload.resnet.inputs(items: 0..<2)
      let late = try model.run(inputs, sides: sides)
      _ = try model.run(inputs, sides: sides) { result in
        seen.append(result.index)
        result.withFloats { floats in #expect(floats.elementsEqual(late[names[result.index]]?.floats ?? [])) }
      }
      #expect(seen == Array(names.indices))
    }
  }

  @Test(arguments: Workload.all)
  func aFileReadsBackAsItWasWritten(for workload: Workload) throws {
    var prepared = try workload.prepared()
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("apparate-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appendingPathComponent("model.onnx").path
    let count = prepared.description.ramps.count
    prepared.description.startingRamps = [1, 3]
    prepared.description.latencyProfile = try LatencyProfile([
      .init(
        batchSize: 1, untilSite: (1...count).map { Double($0) / 1000 },
        rampCost: [Double](repeating: 1e-5, count: count), total: 0.2)
    ])
    try prepared.write(to: path, original: workload.path)
    let read = try PreparedModel(path: path)
    #expect(read.description.fingerprint.count == 16)
    prepared.description.fingerprint = read.description.fingerprint
    #expect(read.description == prepared.description)
    #expect(read.rampDescriptions.count == count && read.sideOutputs == prepared.sideOutputs)

    let inputs = workload.inputs(items: 0..<2)
    let model = try workload.load(prepared)
    let loaded = try workload.load(read)
    let sides = try model.sideOutputs(prepared.sideOutputs)
    #expect(
      try model.run(inputs, sides: sides).mapValues(\.bytes)
        == loaded.run(inputs, sides: loaded.sideOutputs(read.sideOutputs)).mapValues(\.bytes))
    #expect(throws: PreparedModelError.alreadyPrepared) {
      try PreparedModel(adding: [], to: read.graph, head: workload.sites(of: workload.graph()).head)
    }
  }
}

extension LoadedModel {
  /// For the model without side outputs.
  var plainOptions: Options {
    var options = Options()
    options.singleLaunch = false
    return options
  }
}
