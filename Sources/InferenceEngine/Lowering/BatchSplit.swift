import ModelGraph

/// A run of nodes that a large batch goes through part by part, a few items at a time.
///
/// What early layers of image models make of a whole batch does not fit into a processor's caches: then every layer
/// waits for memory. What they make of a few items does. Bits are the same, for they never depend on the batch.
struct BatchSplit: Equatable, Sendable {
  let nodes: Range<Int>
  /// Items of a part; divides the batch.
  let items: Int

  /// More parts than this cost more in tables and steps than caches give back.
  static let mostParts = 16

  /// The runs of nodes of a graph that are worth it.
  ///
  /// A node can be split when it treats the items of its images (`[N, C, H, W]`) apart, and all runs compute it. A run
  /// reaches from the first to the last node that touches more than the caches hold.
  ///
  /// - Parameters:
  ///   - graph: specialised, all shapes known.
  ///   - demands: who needs each node.
  ///   - ends: nodes after which the host may want to know that the whole batch has come so far.
  ///   - cacheByteCount: what one node may read and write without waiting for memory.
  static func runs(
    of graph: Graph, demands: [Demand], ends: Set<Int>, cacheByteCount: Int
  ) -> [BatchSplit] {
    guard let batch = graph.inputs.lazy.compactMap({ graph[$0].fixedShape }).first(where: { $0.count == 4 })?.first,
      batch > 1
    else { return [] }
    var runs: [BatchSplit] = []
    var start: Int?
    /// The last node so far that touches too much, and the most bytes an item that a node of the run touches.
    var last = 0
    var mostBytes = 0
    func close() {
      if let start, start < last {
        let divisors = (1...batch).filter { batch % $0 == 0 && batch / $0 <= mostParts }
        let items = divisors.last { $0 * mostBytes <= cacheByteCount } ?? divisors.first ?? batch
        if items < batch { runs.append(BatchSplit(nodes: start..<last + 1, items: items)) }
      }
      (start, mostBytes) = (nil, 0)
    }
    for (index, node) in graph.nodes.enumerated() {
      if demands[index] == .always, let bytes = bytesOfAnItem(node, in: graph, batch: batch) {
        if bytes * batch > cacheByteCount {
          start = start ?? index
          last = index
          mostBytes = max(mostBytes, bytes)
        }
      } else {
        close()
      }
      if ends.contains(index) { close() }
    }
    close()
    return runs
  }

  /// What a node reads and writes of activations for one item; `nil` when it can't be split, or when it reads so many
  /// weights that reading them for every part would cost more.
  private static func bytesOfAnItem(_ node: Node, in graph: Graph, batch: Int) -> Int? {
    guard operators[node.domain]?.contains(node.op) ?? false, node.outputs.compactMap({ $0 }).count == 1 else {
      return nil
    }
    if node.op == "Concat", node.int("axis") != 1 { return nil }
    let weighs = node.op == FusedOperator.conv.rawValue
    var (bytes, weights) = (0, 0)
    for value in (node.inputs + node.outputs).compactMap({ $0 }) {
      guard let shape = graph[value].fixedShape else { return nil }
      if let constant = graph.constant(value) {
        // A constant with a row for each item would have to be split too.
        guard weighs || shape.count < 4 || shape[0] == 1 else { return nil }
        weights += constant.elementCount * constant.type.byteWidth
      } else {
        guard shape.count == 4, shape[0] == batch, graph[value].type == .float32 else { return nil }
        bytes += shape[1...].reduce(4, *)
      }
    }
    return weights <= bytes ? bytes : nil
  }

  /// Operators that treat the first dimension of images as items, whatever their attributes say.
  private static let operators: [OperatorDomain: Set<String>] = [
    .onnx: [
      "Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "Conv", "Div", "Elu", "GlobalAveragePool",
      "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity", "LRN", "LeakyRelu", "MaxPool", "Mul", "Relu", "Sigmoid",
      "Sub", "Tanh",
    ],
    .apparate: [FusedOperator.conv.rawValue, FusedOperator.activation.rawValue],
  ]
}
