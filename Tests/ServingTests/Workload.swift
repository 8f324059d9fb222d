import EarlyExit
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime
import Serving

/// The models that exits are tried on, with seeded random inputs and ramps.
struct Workload: Sendable, CustomStringConvertible {
  let name: String
  let path: String
  let isText: Bool

  var description: String { name }

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func path(_ relative: String) -> String { root.appendingPathComponent(relative).path }

  static let resnet = Workload(name: "ResNet-18", path: path("Tests/Workloads/vtest-resnet18.onnx"), isText: false)
  static let lite = Workload(name: "Lite0", path: path("Tests/Workloads/vtest-efficientnet-lite0.onnx"), isText: false)
  /// Made by `.ci/fixtures`.
  static let sentiment = Workload(
    name: "MiniLM", path: path(".build-fixtures/sentiment/minilm-sentiment.onnx"), isText: true)
  static let all = [resnet, lite, sentiment]

  static let device = Result { try Device.select() }

  func graph() throws -> Graph { try ONNXImporter.importModel(at: path) }

  /// Inputs of some items; the same item has the same content whatever the batch.
  func inputs(items: Range<Int>, tokens: Int = 9) -> [String: Tensor] {
    if isText {
      var ids: [Int64] = []
      var mask: [Int64] = []
      for item in items {
        var random = SplitMix64(seed: UInt64(item) + 1)
        let length = 3 + Int(random.next() % UInt64(tokens - 2))
        ids += (0..<tokens).map { $0 < length ? 1000 + Int64(random.next() % 20_000) : 0 }
        mask += (0..<tokens).map { $0 < length ? 1 : 0 }
      }
      let shape = [items.count, tokens]
      return ["input_ids": Tensor(ids, shape: shape), "attention_mask": Tensor(mask, shape: shape)]
    }
    let side = name == "Lite0" ? 96 : 64
    let elements = items.flatMap { item -> [Float] in
      var random = SplitMix64(seed: UInt64(item) + 1)
      // Blobs rather than noise: noise looks the same to every layer.
      let base = (0..<(3 * 64)).map { _ in random.normal }
      return (0..<3 * side * side).map { index in
        let (channel, y, x) = (index / (side * side), index / side % side, index % side)
        return base[channel * 64 + y * 8 / side * 8 + x * 8 / side] + 0.1 * random.normal
      }
    }
    return ["image": Tensor(elements, shape: [items.count, 3, side, side])]
  }

  func sites(of graph: Graph) throws -> RampSites {
    let sample = inputs(items: 0..<2)
    let shapes = graph.inputs.map { ($0, sample[graph[$0].name]?.shape ?? []) }
    return try RampSites(graph, inputShapes: Dictionary(uniqueKeysWithValues: shapes))
  }

  /// The model with a ramp of seeded random weights at every site.
  func prepared(_ style: RampStyle = .poolingLinear) throws -> PreparedModel {
    let graph = try graph()
    let sites = try sites(of: graph)
    let features = FeatureGraph(graph, sites, style: style)
    let ramps = try zip(sites.sites, features.sites).enumerated().map { index, pair in
      var random = SplitMix64(seed: UInt64(index) * 77 + 5)
      return PreparedModel.NewRamp(
        site: pair.0, weights: try .random(style, for: pair.1.shape, classes: features.classes, &random),
        temperature: 1, validationAgreement: 0.5)
    }
    return try PreparedModel(adding: ramps, to: graph, head: sites.head)
  }

  func load(_ prepared: PreparedModel, _ change: (inout LoadedModel.Options) -> Void = { _ in }) throws -> LoadedModel {
    var options = LoadedModel.Options()
    options.singleLaunch = false
    options.sideOutputs = prepared.sideOutputs
    change(&options)
    return try LoadedModel(graph: prepared.graph, device: Self.device.get(), options: options)
  }
}

extension RampWeights {
  static func random(
    _ style: RampStyle, for shape: FeatureShape, classes: Int, _ random: inout SplitMix64
  ) throws -> RampWeights {
    func normals(_ count: Int, _ scale: Float) -> [Float] { (0..<count).map { _ in random.normal * scale } }
    func dense(_ outputs: Int, _ inputs: Int, _ scale: Float) throws -> DenseWeights {
      try DenseWeights(
        outputs: outputs, inputs: inputs, weight: normals(outputs * inputs, scale), bias: normals(outputs, 0.1))
    }
    switch (style, shape) {
    case (.convPoolLinear, .map(let channels, _, _)):
      return .convPoolLinear(
        convolution: try ConvolutionWeights(
          outputs: 5, inputs: channels, weight: normals(5 * channels * 9, 0.1), bias: normals(5, 0.1)),
        classifier: try dense(classes, 5, 1))
    case (.deebert, .vector(let width)):
      return .deebert(pooler: try dense(7, width, 0.3), classifier: try dense(classes, 7, 1))
    default:
      // Scores of about 1, so that neither all nor none are sure; maxima of linear layers are far above 1.
      return .poolingLinear(try dense(classes, shape.count, 0.4 / Float(shape.count).squareRoot()))
    }
  }
}

/// A small generator of random numbers with a seed.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// About N(0, 1): the sum of twelve uniform numbers.
  var normal: Float {
    mutating get { (0..<12).reduce(-6) { sum, _ in sum + Float(next() >> 40) / Float(1 << 24) } }
  }
}

extension Tensor {
  var bytes: [UInt8] { storage.withUnsafeBytes { Array($0) } }

  /// Rows of the first axis.
  func items(_ range: Range<Int>) -> Tensor {
    let width = storage.byteCount / max(1, shape[0])
    let part = Array(bytes[range.lowerBound * width..<range.upperBound * width])
    return Tensor(type: type, shape: [range.count] + shape.dropFirst(), storage: TensorStorage(copying: part))
  }
}
