/// What one application of a fusion pattern did, for people.
public struct FusionRecord: Sendable, Hashable, CustomStringConvertible {
  public enum Kind: String, Sendable, CaseIterable {
    /// Scales and shifts per channel folded into weights.
    case affine = "scale and shift"
    /// A normalisation by constant moments folded into the convolution after it.
    case batchNormalization = "batch normalization"
    /// Movements that follow each other merged, or cancelled.
    case movement
    /// A stack of heads, unstacked by indices, read where it was stacked.
    case stackedHeads = "stacked heads"
    /// Zero padding left to the window after it.
    case padding
    /// Minima and maxima merged.
    case bounds
    case activation
    case layerNormalization = "layer normalization"
    case attention
    /// Residual sum and activation computed with the product before them.
    case epilogue
  }

  public let kind: Kind
  /// Names of the nodes that went, in order.
  public let nodes: [String]
  /// The name of the value that the fused node writes.
  public let result: String

  public init(kind: Kind, nodes: [String], result: String) {
    self.kind = kind
    self.nodes = nodes
    self.result = result
  }

  public var description: String { "\(kind.rawValue): \(nodes.joined(separator: ", ")) → \(result)" }
}
