import EarlyExit
import ModelGraph

/// A model that also gives what ramps are trained on: at every site the features that a ramp there reads, and the
/// model's own logits.
///
/// Run it with ``LoadedModel/Options/sideOutputs`` set to ``sideOutputs``: the features are then the bits that the
/// ramps see in service, and the model's own outputs those that it gives without them.
public struct FeatureGraph: Sendable {
  /// What is collected at one site.
  public struct Site: Sendable {
    public let site: RampSite
    /// The output, [N, D], or [N, C, H, W] for styles that convolve; single precision.
    public let output: String
    /// Of one item.
    public let shape: FeatureShape
    public let pooling: RampPooling
  }

  public let graph: Graph
  /// From input to output.
  public let sites: [Site]
  /// The output with the model's own scores [N, classes].
  public let logits: String
  public let classes: Int
  /// The outputs that the model itself does not have.
  public let sideOutputs: Set<String>

  /// - Parameters:
  ///   - graph: as imported.
  ///   - found: its sites.
  ///   - style: of the ramps to be trained. Where a site has no map, styles that convolve get pooled features.
  public init(_ graph: Graph, _ found: RampSites, style: RampStyle) {
    var writer = RampWriter(graph, head: found.head)
    sites = found.sites.enumerated().map { index, site in
      let features = writer.features(at: site, style: style, scope: "\(RampWriter.prefix)features\(index)/")
      writer.expose(features, type: .float32, shape: nil)
      return Site(
        site: site, output: writer.graph[features].name, shape: FeatureShape(of: site, style: style, found.head),
        pooling: RampWriter.takesMaps(style, at: site) ? .unpooled : RampPooling(of: site, found.head))
    }
    writer.expose(found.head.logits, type: nil, shape: nil)
    self.graph = writer.graph
    logits = graph[found.head.logits].name
    classes = found.head.classes
    sideOutputs = Set(writer.graph.outputs.map { writer.graph[$0].name })
      .subtracting(graph.outputs.map { graph[$0].name })
  }
}

extension FeatureShape {
  /// Of what a ramp of this style reads at a site.
  init(of site: RampSite, style: RampStyle, _ head: ClassifierHead) {
    if RampWriter.takesMaps(style, at: site) {
      self = .map(channels: site.shape[1], height: site.shape[2], width: site.shape[3])
    } else if site.shape.count == 4 {
      self = .vector(2 * site.shape[1])
    } else {
      self = .vector(site.shape[site.shape.count - 1])
    }
  }
}

extension RampPooling {
  /// How the site's tensor becomes one vector an item.
  public init(of site: RampSite, _ head: ClassifierHead) {
    switch (head.pooling, site.shape.count) {
    case (_, 4): self = .globalAverageMaximum
    case (.tokens(let nodes, _, _), 3): self = nodes.contains { $0.op.hasPrefix("Reduce") } ? .maskedMean : .firstToken
    default: self = .unpooled
    }
  }
}
