/// A `BatchNormalization` that no product before it took: it goes into a convolution after it that pads nothing, or
/// becomes a multiplication and a sum.
enum BatchNormalizationPattern {
  static func rewrite(_ rewriter: inout GraphRewriter, ranks: CertainRanks) {
    for (index, node) in rewriter.matcher.graph.nodes.enumerated() where node.op == "BatchNormalization" {
      guard rewriter.isFree([index]), let affine = ChannelAffine(batchNormalization: node, in: rewriter.matcher.graph)
      else { continue }
      if !foldForward(index, affine, &rewriter) { spell(index, affine, &rewriter, ranks: ranks) }
    }
  }

  // MARK: Into the convolution after it

  private static func foldForward(_ index: Int, _ affine: ChannelAffine, _ rewriter: inout GraphRewriter) -> Bool {
    let matcher = rewriter.matcher
    let node = matcher.node(index)
    guard let reader = matcher.soleReader(of: node.output(0), ["Conv"]), rewriter.isFree([reader]) else { return false }
    var convolution = matcher.node(reader)
    guard convolution.input(0) == node.output(0), padsNothing(convolution), let value = convolution.input(1),
      let weights = matcher.graph.constant(value), weights.type == .float32 || weights.type == .float16,
      (3...5).contains(weights.shape.count), !weights.shape.contains(0),
      let sums = biases(convolution, weights, affine, matcher.graph),
      let scaled = scaled(weights, groups: convolution.int("group") ?? 1, by: affine.scale)
    else { return false }
    convolution.inputs = [
      node.input(0), rewriter.add(constant: scaled, named: rewriter.name(of: value) + "/scaled"),
      rewriter.add(constant: sums, named: convolution.name + "/bias"),
    ]
    rewriter.replace([index, reader], by: [convolution], kind: .batchNormalization)
    return true
  }

  private static func padsNothing(_ node: Node) -> Bool {
    switch node.string("auto_pad") ?? "NOTSET" {
    case "NOTSET": node.ints("pads")?.allSatisfy { $0 == 0 } ?? true
    case "VALID": true
    default: false
    }
  }

  /// The bias and what the shift of each input channel adds to each output channel.
  private static func biases(_ node: Node, _ weights: Tensor, _ affine: ChannelAffine, _ graph: Graph) -> Tensor? {
    let groups = node.int("group") ?? 1
    let (outputs, inputs) = (weights.shape[0], weights.shape[1])
    guard groups >= 1, groups <= outputs, outputs % groups == 0, affine.scale.count == inputs * groups else {
      return nil
    }
    var sums = [Double](repeating: 0, count: outputs)
    if node.input(2) != nil {
      guard let bias = graph.constant(node.input(2)), bias.shape == [outputs], bias.type == weights.type else {
        return nil
      }
      sums = Lanes(bias).doubles
    }
    let taps = weights.shape[2...].reduce(1, *)
    weights.withFloats { floats in
      for output in 0..<outputs {
        let firstInput = output / (outputs / groups) * inputs
        for input in 0..<inputs {
          let start = (output * inputs + input) * taps
          let sum = floats[start..<(start + taps)].reduce(0.0) { $0 + Double($1) }
          sums[output] += sum * affine.shift[firstInput + input]
        }
      }
    }
    let result = Tensor(sums, as: weights.type)
    return result.floats.allSatisfy(\.isFinite) ? result : nil
  }

  /// The weights with each input channel scaled: as `[outputs · inputs, taps]`, one factor per row.
  private static func scaled(_ weights: Tensor, groups: Int, by scale: [Double]) -> Tensor? {
    let (outputs, inputs) = (weights.shape[0], weights.shape[1])
    let factors = (0..<(outputs * inputs)).map { row in
      scale[row / inputs / (outputs / groups) * inputs + row % inputs]
    }
    let rows = weights.reshaped(to: [factors.count, weights.elementCount / factors.count])
    return rows.scaled(by: factors, along: 0)?.reshaped(to: weights.shape)
  }

  // MARK: By itself

  /// `Mul` and `Add` of constants `[C, 1, …]`, which take in others after them.
  private static func spell(
    _ index: Int, _ affine: ChannelAffine, _ rewriter: inout GraphRewriter, ranks: CertainRanks
  ) {
    let graph = rewriter.matcher.graph
    let node = rewriter.matcher.node(index)
    // From opset 14 on the vectors may have another type than what they normalise.
    let own = graph.constant(node.input(1))?.type
    guard let rank = ranks[node.input(0)], rank >= 2, let type = own,
      node.opset < 14 || node.input(0).flatMap({ graph[$0].type }) == type,
      type == .float32 || type == .float16
    else { return }
    let shape = [affine.scale.count] + [Int](repeating: 1, count: rank - 2)
    let chain = AffineChain(
      after: index, affine: affine, layout: .init(channels: affine.scale.count, inner: rank - 2, rank: rank),
      normalizes: true, mayScale: true, rewriter.matcher)
    let (scale, shift) = (Tensor(chain.affine.scale, as: type), Tensor(chain.affine.shift, as: type))
    guard (scale.floats + shift.floats).allSatisfy(\.isFinite) else { return }
    let scaled = rewriter.add(type: type, shape: nil, named: node.name + "/scaled")
    let factors = rewriter.add(constant: scale.reshaped(to: shape), named: node.name + "/scale")
    let terms = rewriter.add(constant: shift.reshaped(to: shape), named: node.name + "/shift")
    rewriter.replace(
      chain.nodes,
      by: [
        Node(name: node.name + "/scale", op: "Mul", inputs: [node.input(0), factors], outputs: [scaled]),
        Node(name: node.name, op: "Add", inputs: [scaled, terms], outputs: [chain.result]),
      ], kind: .affine)
  }
}
