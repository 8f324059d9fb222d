/// Nodes that scale and shift channels by constants, each reading the one before it alone.
struct AffineChain {
  private(set) var affine: ChannelAffine
  /// The node that it starts after, and those of the chain.
  private(set) var nodes: [Int]
  private(set) var result: ValueID?

  /// The longest chain after a node.
  ///
  /// - Parameters:
  ///   - affine: what the node itself does to the channels.
  ///   - normalizes: whether channels are axis 1, which `BatchNormalization` is about.
  ///   - mayScale: whether the chain may do more than shift.
  init(
    after index: Int, affine: ChannelAffine, layout: ChannelAffine.Layout, normalizes: Bool, mayScale: Bool,
    _ matcher: PatternMatcher
  ) {
    self.affine = affine
    nodes = [index]
    result = matcher.node(index).output(0)
    while let last = result, let reader = matcher.soleReader(of: last) {
      let node = matcher.node(reader)
      var longer = self.affine
      if let normalization = ChannelAffine(batchNormalization: node, in: matcher.graph) {
        guard normalizes, node.input(0) == last, normalization.scale.count == layout.channels else { return }
        longer.append(scale: normalization.scale, shift: normalization.shift)
      } else if !longer.append(node, of: last, layout: layout, in: matcher.graph) {
        return
      }
      guard longer.isFinite, !longer.scales || mayScale else { return }
      self.affine = longer
      nodes.append(reader)
      result = node.output(0)
    }
  }
}
