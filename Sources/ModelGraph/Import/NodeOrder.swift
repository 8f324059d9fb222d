/// Puts nodes after those that they depend on. ONNX demands that of files; not all keep it.
enum NodeOrder {
  /// The nodes of `graph` in topological order; those of a file that is in order stay as they are. O(nodes + edges).
  static func sorted(_ graph: Graph) throws(ImportError) -> [Node] {
    let producers = producers(of: graph)
    let isSorted = graph.nodes.indices.allSatisfy { index in
      graph.nodes[index].inputs.allSatisfy { $0.map { producers[$0.index] < index } ?? true }
    }
    return isSorted ? graph.nodes : try depthFirst(graph, producers: producers).map { graph.nodes[$0] }
  }

  /// For each value, the node that produces it; −1 for inputs and constants.
  private static func producers(of graph: Graph) -> [Int] {
    var producers = [Int](repeating: -1, count: graph.values.count)
    for (index, node) in graph.nodes.enumerated() {
      for case let output? in node.outputs { producers[output.index] = index }
    }
    return producers
  }

  private enum State { case untouched, onPath, done }

  /// Visits nodes in the order of the file, what they depend on first; with a stack of its own, since chains are long.
  private static func depthFirst(_ graph: Graph, producers: [Int]) throws(ImportError) -> [Int] {
    var order: [Int] = []
    var states = [State](repeating: .untouched, count: graph.nodes.count)
    var path: [(node: Int, nextInput: Int)] = []
    for root in graph.nodes.indices where states[root] == .untouched {
      path.append((root, 0))
      states[root] = .onPath
      while let (node, nextInput) = path.last {
        guard nextInput < graph.nodes[node].inputs.count else {
          states[node] = .done
          order.append(node)
          path.removeLast()
          continue
        }
        path[path.count - 1].nextInput += 1
        guard let input = graph.nodes[node].inputs[nextInput] else { continue }
        let producer = producers[input.index]
        guard producer >= 0, states[producer] != .done else { continue }
        if states[producer] == .onPath { throw cycle(path.map(\.node), backTo: producer, in: graph) }
        states[producer] = .onPath
        path.append((producer, 0))
      }
    }
    return order
  }

  private static func cycle(_ path: [Int], backTo start: Int, in graph: Graph) -> ImportError {
    let first = path.firstIndex(of: start) ?? 0
    // Enough to find it by; cycles of thousands of nodes do not fit on a screen.
    return .cycle(nodes: path[first...].prefix(8).map { graph.nodes[$0].name })
  }
}
