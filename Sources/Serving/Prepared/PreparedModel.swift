import EarlyExit
import ModelGraph

/// A model with ramps: an ordinary ONNX file with more outputs, or one that is being made.
///
/// The original's nodes, weights and outputs are as they were. A model without ramps is one too, with an empty list.
public struct PreparedModel: Sendable {
  /// The model with all its ramps.
  public let graph: Graph
  public var description: PreparedDescription

  /// A trained ramp and where it goes.
  public struct NewRamp: Sendable {
    public let site: RampSite
    public let weights: RampWeights
    public let temperature: Float
    /// On validation items, 0 to 1.
    public let validationAgreement: Double

    public init(site: RampSite, weights: RampWeights, temperature: Float, validationAgreement: Double) {
      self.site = site
      self.weights = weights
      self.temperature = temperature
      self.validationAgreement = validationAgreement
    }

    public init(site: RampSite, trained: TrainedRamp) {
      self.init(
        site: site, weights: trained.weights, temperature: trained.report.temperature,
        validationAgreement: trained.report.validationAgreement)
    }
  }

  /// Reads a model file, prepared or not.
  ///
  /// - Throws: `ImportError` when the file is no model that runs here, ``PreparedModelError`` when what it says of its
  ///   ramps is wrong.
  public init(path: String) throws {
    try self.init(graph: try ONNXImporter.importModel(at: path))
  }

  /// - Parameter graph: as imported.
  public init(graph: Graph) throws(PreparedModelError) {
    self.graph = graph
    guard let text = graph.metadata[PreparedDescription.key] else {
      description = PreparedDescription(unprepared: graph)
      return
    }
    description = try PreparedDescription(json: text)
    try description.check(against: graph)
  }

  /// A model with ramps added. `description` still lacks what is to be measured.
  ///
  /// - Parameters:
  ///   - graph: as imported, without ramps.
  ///   - head: how it ends, see `RampSites`.
  ///   - ramps: from input to output; at most one at a site. Their order numbers them.
  public init(adding ramps: [NewRamp], to graph: Graph, head: ClassifierHead) throws(PreparedModelError) {
    guard graph.metadata[PreparedDescription.key] == nil,
      !graph.values.contains(where: { $0.name.hasPrefix(RampWriter.prefix) })
    else { throw .alreadyPrepared }
    for ramp in ramps {
      let expected = FeatureShape(of: ramp.site, style: ramp.weights.style, head)
      guard ramp.weights.classes == head.classes, ramp.weights.takes(expected) else {
        throw .wrongRamp(
          site: ramp.site.name, expected: "\(expected) to \(head.classes) classes",
          got: "\(ramp.weights.inputs) to \(ramp.weights.classes) classes")
      }
    }
    var writer = RampWriter(graph, head: head)
    let modelOutputs = graph.outputs
    var described: [PreparedDescription.Ramp] = []
    for (index, ramp) in ramps.enumerated() {
      let added = writer.addRamp(ramp.weights, at: ramp.site, scope: "\(RampWriter.prefix)ramp\(index)/")
      let rows = graph[modelOutputs[0]].shape?.first ?? .symbolic("N")
      writer.expose(added.logits, type: .float32, shape: [rows, .fixed(head.classes)])
      var answers: [String: String] = [:]
      for output in modelOutputs {
        guard let answer = added.answers[output] else { continue }
        writer.expose(answer, type: graph[output].type, shape: graph[output].shape)
        answers[graph[output].name] = writer.graph[answer].name
      }
      described.append(
        PreparedDescription.Ramp(
          site: ramp.site.name, flopShare: ramp.site.flopShare, style: ramp.weights.style,
          pooling: FeatureShape(of: ramp.site, style: ramp.weights.style, head).isMap
            ? .globalAverage : RampPooling(of: ramp.site, head),
          temperature: ramp.temperature, validationAgreement: ramp.validationAgreement,
          logits: writer.graph[added.logits].name, answers: answers))
    }
    writer.expose(head.logits, type: head.type, shape: nil)
    self.graph = writer.graph
    description = PreparedDescription(unprepared: graph)
    description.classes = head.classes
    description.ramps = described
    description.finalLogits = graph[head.logits].name
  }

  /// The outputs that the original does not have, see `LoadedModel.Options.sideOutputs`.
  public var sideOutputs: Set<String> {
    Set(graph.outputs.map { graph[$0].name }).subtracting(description.outputs)
  }

  /// Of the original and its ramps: another training gives another one. What a controller has learnt belongs to it.
  public var fingerprint: String {
    var fingerprint = Fingerprint()
    func add(_ text: String) { Array(text.utf8).withUnsafeBytes { fingerprint.update($0) } }
    add(description.fingerprint)
    for ramp in description.ramps { add(ramp.site) }
    for value in graph.values where value.name.hasPrefix(RampWriter.prefix) {
      value.constant?.storage.withUnsafeBytes { fingerprint.update($0) }
    }
    return fingerprint.text
  }

  /// The ramps as the early-exit library describes them.
  public var rampDescriptions: [RampDescription] {
    description.ramps.enumerated().map { index, ramp in
      RampDescription(
        ramp: RampID(index), siteName: ramp.site, style: ramp.style, pooling: ramp.pooling,
        classes: description.classes, temperature: ramp.temperature, validationAgreement: ramp.validationAgreement)
    }
  }
}

extension FeatureShape {
  fileprivate var isMap: Bool { if case .map = self { true } else { false } }
}

extension RampWeights {
  /// What one item's features must be.
  fileprivate var inputs: String {
    switch self {
    case .poolingLinear(let layer), .deebert(let layer, _): "vectors of \(layer.inputs) features"
    case .convPoolLinear(let convolution, _): "maps of \(convolution.inputs) channels"
    }
  }

  fileprivate func takes(_ shape: FeatureShape) -> Bool {
    switch (self, shape) {
    case (.poolingLinear(let layer), .vector(let width)), (.deebert(let layer, _), .vector(let width)):
      layer.inputs == width
    case (.convPoolLinear(let convolution, _), .map(let channels, _, _)): convolution.inputs == channels
    default: false
    }
  }
}
