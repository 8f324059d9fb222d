import Datasets
import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Serving

/// Gives a model ramps: finds sites, collects features, trains and calibrates a ramp for each, measures what they cost on
/// this device, and chooses those to start with. The model's own outputs stay as they are, bit for bit. Design §1.
public struct ModelPreparation {
  /// A prepared model that is not written yet, and what was found on the way.
  public struct Outcome: Sendable {
    public let model: PreparedModel
    public let report: PreparationReport
  }

  private let path: String
  private let device: Device
  private let options: PreparationOptions
  private let modelOptions: LoadedModel.Options
  private let progress: PreparationProgress

  /// - Parameters:
  ///   - path: of the original model.
  ///   - modelOptions: how models are loaded; its side outputs and its progress are not used.
  public init(
    path: String, device: Device, options: PreparationOptions = PreparationOptions(),
    modelOptions: LoadedModel.Options = LoadedModel.Options(),
    progress: @escaping PreparationProgress = { _, _, _ in }
  ) throws(PreparationError) {
    try options.check()
    self.path = path
    self.device = device
    self.options = options
    var modelOptions = modelOptions
    modelOptions.progress = { progress(.building, $0, $1) }
    self.modelOptions = modelOptions
    self.progress = progress
  }

  /// What a model takes, for whoever is to read items for it.
  public static func inputs(of graph: Graph) -> [Items.Input] {
    graph.inputs.map { Items.Input(name: graph[$0].name, type: graph[$0].type ?? .float32) }
  }

  private static let leastItems = 16

  /// - Parameter items: the bootstrap set, made for the model's inputs.
  public func prepare(on items: Items) throws -> Outcome {
    guard items.count >= Self.leastItems else {
      throw PreparationError.tooFewItems(count: items.count, least: Self.leastItems)
    }
    var clock = StageClock()
    let graph = try ONNXImporter.importModel(at: path)
    let sites = try Self.sites(of: graph, sample: items.batch(0..<1))
    guard !sites.sites.isEmpty else { throw PreparationError.noSites(model: path) }
    let trained = try train(graph, sites, items, &clock)
    var model = try PreparedModel(
      adding: zip(sites.sites, trained.ramps).map { PreparedModel.NewRamp(site: $0, trained: $1) }, to: graph,
      head: sites.head)
    let profile = try clock.time("measuring") { try measure(model, items) }
    let starting = StartingRamps.evenlySpaced(in: profile, budget: options.rampBudget)
    model.description.latencyProfile = profile
    model.description.device = device.properties.fingerprint
    model.description.startingRamps = starting.map(\.rawValue)
    model.description.accuracy = options.accuracy.minimumAgreement
    model.description.rampBudget = options.rampBudget
    model.description.errorScore = options.errorScore
    model.description.evidence = PreparedDescription.Evidence(trained.sites.map(\.heldOut))
    return Outcome(
      model: model, report: report(sites, trained, profile, starting, items: items.count, seconds: clock.seconds))
  }

  /// Where ramps may go in a model.
  ///
  /// - Parameter inputs: of one item, which sizes are taken from.
  public static func sites(of graph: Graph, sample inputs: [String: Tensor]) throws -> RampSites {
    let carriers = graph.shapeInputs()
    var shapes: [ValueID: Shape] = [:]
    var values: [ValueID: Tensor] = [:]
    for input in graph.inputs {
      guard let tensor = inputs[graph[input].name] else { continue }
      shapes[input] = tensor.shape
      if carriers.contains(input) { values[input] = tensor }
    }
    return try RampSites(graph, inputShapes: shapes, inputValues: values)
  }

  private struct Trained {
    var sites: [ParallelTraining.Outcome] = []
    var classes = 0

    var ramps: [TrainedRamp] { sites.map(\.ramp) }
  }

  private func train(_ graph: Graph, _ sites: RampSites, _ items: Items, _ clock: inout StageClock) throws -> Trained {
    let collector = try FeatureCollector(
      FeatureGraph(graph, sites, style: options.style), device: device, batchSize: options.collectionBatch,
      options: modelOptions)
    var trained = Trained()
    let groups = collector.groups(items: items.count, limit: options.featureLimit)
    for (number, group) in groups.enumerated() {
      let bootstrap = try clock.time("collecting") {
        try collector.collect(items, sites: group) {
          progress(.collecting, number * items.count + $0, groups.count * items.count)
        }
      }
      let labels = bootstrap.labels
      guard Set(labels.answers).count > 1 else {
        throw PreparationError.singleAnswer(answer: labels.answers[0], items: items.count)
      }
      trained.classes = labels.classes
      trained.sites += try clock.time("training") {
        // A site without a map to convolve gets a plain ramp.
        try bootstrap.features.map { features -> RampStyle in
          if options.style == .convPoolLinear, case .vector = features.shape { return .poolingLinear }
          return options.style
        }.indexedGroups().flatMap { style, indices in
          var settings = TrainingOptions(for: style)
          settings.seed = options.seed
          let training = ParallelTraining(
            trainer: try RampTrainer(style: style, options: settings), labels: labels,
            split: try TrainingSplit(labels, trainingFraction: options.trainingFraction, seed: options.seed),
            errorScore: options.errorScore)
          let progress = self.progress
          let outcomes = try training.train(indices.map { bootstrap.features[$0] }) { share in
            progress(.training, Int((Double(number) + share) / Double(groups.count) * 100), 100)
          }
          return zip(indices, outcomes).map { ($0, $1) }
        }.sorted { $0.0 < $1.0 }.map(\.1)
      }
    }
    progress(.training, 100, 100)
    return trained
  }

  private func measure(_ model: PreparedModel, _ items: Items) throws -> LatencyProfile {
    var options = modelOptions
    options.sideOutputs = model.sideOutputs
    let loaded = try LoadedModel(graph: model.graph, device: device, options: options)
    let sizes = self.options.batchSizes
    progress(.measuring, 0, sizes.count)
    return try model.measureLatencies(of: loaded, batchSizes: sizes) { size in
      // As a first batch would be: of the longest item's shape where lengths differ.
      items.batch((0..<size).map { $0 % items.count })
    } progress: { size in
      progress(.measuring, sizes.count { $0 <= size }, sizes.count)
    }
  }

  private func report(
    _ sites: RampSites, _ trained: Trained, _ profile: LatencyProfile, _ starting: [RampID], items: Int,
    seconds: [String: Double]
  ) -> PreparationReport {
    let latency = profile.measured[0]
    let rows = sites.sites.indices.map { index -> PreparationReport.Site in
      let (site, ramp) = (sites.sites[index], trained.ramps[index])
      return PreparationReport.Site(
        ramp: index, name: site.name, flopShare: site.flopShare,
        latencyShare: latency.untilSite[index] / latency.total, agreement: ramp.report.validationAgreement,
        uncalibratedError: ramp.report.uncalibratedECE, calibratedError: ramp.report.calibratedECE,
        temperature: Double(ramp.report.temperature), l2: Double(ramp.report.l2), converged: ramp.report.converged,
        parameters: ramp.weights.parameterCount, costMilliseconds: latency.rampCost[index] * 1e3,
        costShare: profile.slowdown(of: [RampID(index)]), isActive: starting.contains(RampID(index)))
    }
    return PreparationReport(
      model: path, output: "", device: device.properties.name, style: options.style.rawValue, classes: trained.classes,
      items: items, trainingItems: trained.ramps.first?.report.trainingItems ?? 0,
      validationItems: trained.ramps.first?.report.validationItems ?? 0,
      accuracy: options.accuracy.minimumAgreement, rampBudget: options.rampBudget,
      latencyMilliseconds: latency.total * 1e3, slowdown: profile.slowdown(of: starting), sites: rows, seconds: seconds)
  }
}

/// How long stages took.
private struct StageClock {
  private(set) var seconds: [String: Double] = [:]

  mutating func time<Result>(_ stage: String, _ body: () throws -> Result) rethrows -> Result {
    let start = ContinuousClock.now
    defer {
      let (whole, rest) = start.duration(to: .now).components
      seconds[stage, default: 0] += Double(whole) + Double(rest) * 1e-18
    }
    return try body()
  }
}

extension Array where Element: Hashable {
  /// For each element that occurs, where.
  fileprivate func indexedGroups() -> [(Element, [Int])] {
    Dictionary(grouping: indices) { self[$0] }.map { ($0.key, $0.value) }
  }
}
