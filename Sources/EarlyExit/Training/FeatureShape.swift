/// The shape of one item's features.
public enum FeatureShape: Sendable, Equatable, CustomStringConvertible {
  /// A pooled vector.
  case vector(Int)
  /// A feature map, channels outermost.
  case map(channels: Int, height: Int, width: Int)

  /// Numbers per item.
  public var count: Int {
    switch self {
    case .vector(let features): features
    case .map(let channels, let height, let width): channels * height * width
    }
  }

  public var description: String {
    switch self {
    case .vector(let features): "vectors of \(features) features"
    case .map(let channels, let height, let width): "maps of \(channels)×\(height)×\(width)"
    }
  }

  var sizes: [Int] {
    switch self {
    case .vector(let features): [features]
    case .map(let channels, let height, let width): [channels, height, width]
    }
  }
}
