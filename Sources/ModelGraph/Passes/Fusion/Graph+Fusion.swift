extension Graph {
  /// The graph with its weights final: scales and shifts per channel are folded into the convolutions and products
  /// before them, products with constant matrices are ``FusedOperator/gemm``. For use once, after
  /// ``foldingConstants()``; needs no input shapes. Values keep their identities; outputs stay.
  ///
  /// - Parameter keeping: values besides the outputs that must still be produced.
  /// - Returns: the graph and what was fused, in order.
  /// - Complexity: O(nodes) and one copy of each weight that changes.
  public func optimizedAtLoad(keeping: Set<ValueID> = []) -> (Graph, [FusionRecord]) {
    let ranks = CertainRanks(self)
    return applying(
      [
        { ActivationPattern.rewriteHardSigmoid(&$0, ranks: ranks) }, LinearPattern.rewrite,
        { AffinePattern.rewrite(&$0, ranks: ranks) }, { BatchNormalizationPattern.rewrite(&$0, ranks: ranks) },
      ], keeping: keeping)
  }

  /// The graph with patterns of nodes replaced by fused operators, see ``FusedOperator``. The graph must be specialised.
  /// No weights change; the fused node writes the last value of its pattern, and outputs stay.
  ///
  /// - Parameter keeping: values besides the outputs that must still be produced, and that nothing may be fused across.
  /// - Returns: the graph and what was fused, in order.
  /// - Complexity: O(nodes).
  public func fused(keeping: Set<ValueID> = []) -> (Graph, [FusionRecord]) {
    applying(
      [
        FlattenedProductPattern.rewrite, StackedHeadsPattern.rewrite, MovementPattern.rewrite,
        PaddedPoolingPattern.rewrite, BoundsPattern.rewrite, ActivationPattern.rewriteHardSigmoid,
        ActivationPattern.rewrite, LayerNormalizationPattern.rewrite, AttentionPattern.rewrite,
        FlattenedProductPattern.rewrite, MovementPattern.rewrite, ConvolutionPattern.rewrite, EpiloguePattern.rewrite,
      ], keeping: keeping)
  }

  private func applying(
    _ patterns: [(inout GraphRewriter) -> Void], keeping: Set<ValueID>
  ) -> (Graph, [FusionRecord]) {
    var graph = self
    var records: [FusionRecord] = []
    for pattern in patterns {
      var rewriter = GraphRewriter(graph, keeping: keeping)
      pattern(&rewriter)
      graph = rewriter.rewritten()
      records += rewriter.records
    }
    return (graph.removingDeadCode(keeping: keeping), records)
  }

  private func removingDeadCode(keeping: Set<ValueID>) -> Graph {
    var graph = self
    graph.outputs += keeping.sorted()
    graph = graph.removingDeadCode()
    graph.outputs = outputs
    return graph
  }

  /// The first node that reads what no node before it, no input and no constant gives; `nil` in a graph that is well
  /// ordered. O(nodes).
  public func firstMisplacedNode() -> Node? {
    var isDefined = values.map { $0.constant != nil }
    for input in inputs { isDefined[input.index] = true }
    for node in nodes {
      for case let input? in node.inputs where !isDefined[input.index] { return node }
      for case let output? in node.outputs { isDefined[output.index] = true }
    }
    return nil
  }
}
