/// `Conv` becomes ``FusedOperator/conv``: pads are explicit, and take in a `Pad` with zeros before it.
enum ConvolutionPattern {
  static func rewrite(_ rewriter: inout GraphRewriter) {
    let matcher = rewriter.matcher
    for (index, node) in matcher.graph.nodes.enumerated() where node.domain == .onnx && node.op == "Conv" {
      guard matcher.isComputable(node.output(0)),
        let geometry = try? ConvolutionGeometry(of: node, in: matcher.graph)
      else { continue }
      var inputs = node.inputs
      var nodes = [index]
      var pads = SpatialPads(begins: geometry.padsBegin, ends: geometry.padsEnd)
      if let pad = SpatialPads.zeros(before: node, matcher), let more = pads + pad.pads {
        pads = more
        inputs[0] = pad.input
        nodes.append(pad.node)
      }
      let attributes: [String: Attribute] = [
        "kernel_shape": integers(geometry.kernel), "strides": integers(geometry.strides),
        "dilations": integers(geometry.dilations), "pads": pads.attribute, "group": .int(Int64(geometry.groups)),
      ]
      rewriter.replace(
        nodes,
        by: [.fused(.conv, named: node.name, inputs: inputs, outputs: node.outputs, attributes: attributes)],
        kind: .padding)
    }
  }

  private static func integers(_ values: [Int]) -> Attribute { .ints(values.map { Int64($0) }) }
}

/// An `AveragePool` takes in a `Pad` with zeros before it, when it counts them as the elements they are.
enum PaddedPoolingPattern {
  static func rewrite(_ rewriter: inout GraphRewriter) {
    let matcher = rewriter.matcher
    for (index, node) in matcher.graph.nodes.enumerated() where node.domain == .onnx && node.op == "AveragePool" {
      guard let pad = SpatialPads.zeros(before: node, matcher), node.int("ceil_mode") ?? 0 == 0,
        let geometry = try? PoolingGeometry(of: node, in: matcher.graph)
      else { continue }
      let own = SpatialPads(begins: geometry.padsBegin, ends: geometry.padsEnd)
      guard own.areZero || geometry.countsPadding, let pads = own + pad.pads, fits(pads, geometry) else { continue }
      var pooling = node
      pooling.inputs[0] = pad.input
      pooling.attributes["auto_pad"] = nil
      pooling.attributes["pads"] = pads.attribute
      pooling.attributes["count_include_pad"] = .int(1)
      rewriter.replace([index, pad.node], by: [pooling], kind: .padding)
    }
  }

  /// A window never lies in the padding alone.
  private static func fits(_ pads: SpatialPads, _ geometry: PoolingGeometry) -> Bool {
    geometry.kernel.indices.allSatisfy {
      max(pads.begins[$0], pads.ends[$0]) < (geometry.kernel[$0] - 1) * geometry.dilations[$0] + 1
    }
  }
}

/// Cells around an image, by spatial axis.
private struct SpatialPads {
  let begins: [Int]
  let ends: [Int]

  var areZero: Bool { (begins + ends).allSatisfy { $0 == 0 } }
  var attribute: Attribute { .ints((begins + ends).map { Int64($0) }) }

  static func + (a: SpatialPads, b: SpatialPads) -> SpatialPads? {
    guard a.begins.count == b.begins.count else { return nil }
    let sum = SpatialPads(
      begins: zip(a.begins, b.begins).map { $0 + $1 }, ends: zip(a.ends, b.ends).map { $0 + $1 })
    return (sum.begins + sum.ends).allSatisfy { $0 <= NodeContext.attributeBound } ? sum : nil
  }

  /// The `Pad` before a window that adds zeros to spatial axes only, and that nothing else reads.
  static func zeros(before window: Node, _ matcher: PatternMatcher) -> (node: Int, input: ValueID, pads: SpatialPads)? {
    guard let index = matcher.producer(of: window.input(0), ["Pad"]),
      matcher.soleReader(of: window.input(0)) != nil, let input = matcher.node(index).input(0),
      let pad = try? PadGeometry(of: matcher.node(index), in: matcher.graph), pad.mode == .constant,
      pad.begins.count > 2, (pad.begins + pad.ends).allSatisfy({ $0 >= 0 }),
      (pad.begins[..<2] + pad.ends[..<2]).allSatisfy({ $0 == 0 }), Lanes(pad.value).doubles == [0]
    else { return nil }
    // The window must lie over the input itself, too.
    guard matcher.shape(input)?.dropFirst(2).allSatisfy({ $0 >= 1 }) == true else { return nil }
    return (index, input, SpatialPads(begins: Array(pad.begins[2...]), ends: Array(pad.ends[2...])))
  }
}
