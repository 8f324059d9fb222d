/// `Conv` or ``FusedOperator/gemm`` and what scales and shifts its channels by constants, `BatchNormalization` among
/// them, become one: the scale goes into the weights, the shift into the bias.
enum AffinePattern {
  static func rewrite(_ rewriter: inout GraphRewriter, ranks: CertainRanks) {
    for index in rewriter.matcher.graph.nodes.indices {
      guard let product = Product(index, rewriter.matcher, ranks: ranks) else { continue }
      rewrite(product, &rewriter)
    }
  }

  private static func rewrite(_ product: Product, _ rewriter: inout GraphRewriter) {
    let chain = AffineChain(
      after: product.index, affine: .identity(channels: product.layout.channels), layout: product.layout,
      normalizes: product.channelsAreSecond, mayScale: product.mayScale, rewriter.matcher)
    guard chain.nodes.count > 1, var inputs = product.folded(chain.affine, &rewriter) else { return }
    while inputs.last == .some(nil) { inputs.removeLast() }
    var node = product.node
    node.inputs = inputs
    node.outputs = [chain.result]
    rewriter.replace(chain.nodes, by: [node], kind: .affine)
  }
}

/// A node whose weights can take a scale per output channel.
private struct Product {
  let index: Int
  let node: Node
  let layout: ChannelAffine.Layout
  /// A matrix that others read too is worth more shared than scaled.
  let mayScale: Bool
  /// Whether axis 1 of the result, which a `BatchNormalization` normalises, is the one that the weights scale.
  let channelsAreSecond: Bool
  private let weights: Tensor
  private let bias: Tensor?
  /// The axis of the weights that runs over output channels.
  private let axis: Int

  init?(_ index: Int, _ matcher: PatternMatcher, ranks: CertainRanks) {
    let node = matcher.node(index)
    guard let value = node.input(1), let weights = matcher.graph.constant(value), !weights.shape.contains(0),
      weights.type == .float32 || weights.type == .float16
    else { return nil }
    bias = matcher.graph.constant(node.input(2))
    if node.domain == .onnx, node.op == "Conv", (3...5).contains(weights.shape.count) {
      axis = 0
      layout = .init(channels: weights.shape[0], inner: weights.shape.count - 2, rank: weights.shape.count)
      mayScale = true
      channelsAreSecond = true
    } else if node.isFused(.gemm), weights.shape.count == 2 {
      axis = node.int("transB") ?? 0 != 0 ? 0 : 1
      layout = .init(channels: weights.shape[axis], inner: 0, rank: max(1, ranks[node.output(0)] ?? 1))
      mayScale = matcher.readers(of: value).count == 1
      channelsAreSecond = ranks[node.output(0)] == 2
    } else {
      return nil
    }
    guard node.input(2) == nil || bias?.shape == [layout.channels] && bias?.type == weights.type else { return nil }
    self.index = index
    self.node = node
    self.weights = weights
  }

  /// The operands with `affine` after the product; `nil` when a weight would overflow.
  func folded(_ affine: ChannelAffine, _ rewriter: inout GraphRewriter) -> [ValueID?]? {
    var inputs = node.inputs + [nil]
    let shifted = bias.map { Lanes($0).doubles } ?? affine.scale.map { _ in 0 }
    let sums = shifted.indices.map { shifted[$0] * affine.scale[$0] + affine.shift[$0] }
    let newBias = Tensor(sums, as: weights.type)
    guard newBias.floats.allSatisfy(\.isFinite) else { return nil }
    if affine.scales {
      guard let scaled = weights.scaled(by: affine.scale, along: axis), let value = node.input(1) else { return nil }
      inputs[1] = rewriter.add(constant: scaled, named: rewriter.name(of: value) + "/scaled")
    }
    if affine.shifts || bias != nil && affine.scales {
      inputs[2] = rewriter.add(constant: newBias, named: node.name + "/bias")
    }
    return inputs
  }
}
