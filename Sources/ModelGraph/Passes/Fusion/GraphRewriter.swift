/// Collects what one pattern replaces in a graph, and rebuilds the list of nodes once.
struct GraphRewriter {
  /// The graph as it is before the rewriting.
  let matcher: PatternMatcher
  private(set) var records: [FusionRecord] = []

  /// Values may be added; nodes stay until ``rewritten()``.
  private var graph: Graph
  private let keeping: Set<ValueID>
  private var isClaimed: [Bool]
  /// What stands in the place of a node instead of it.
  private var replacements: [Int: [Node]] = [:]
  /// What comes after a node; -1 is the start.
  private var insertions: [Int: [Node]] = [:]
  /// Where inserted nodes make their values.
  private var insertedAfter: [ValueID: Int] = [:]
  private var aliases: [ValueID: ValueID] = [:]
  private lazy var names = Set(graph.values.map(\.name))

  init(_ graph: Graph, keeping: Set<ValueID>) {
    self.graph = graph
    self.keeping = keeping
    matcher = PatternMatcher(graph, keeping: keeping)
    isClaimed = [Bool](repeating: false, count: graph.nodes.count)
  }

  /// Whether no replacement has taken any of these nodes yet.
  func isFree(_ nodes: some Sequence<Int>) -> Bool { nodes.allSatisfy { !isClaimed[$0] } }

  // MARK: Changes

  /// Removes `nodes` and puts `new` where the last of them stood; its operands must be known there.
  ///
  /// It is recorded when it is said to be a `kind` and more than one node goes.
  mutating func replace(_ nodes: some Collection<Int>, by new: [Node], kind: FusionRecord.Kind? = nil) {
    guard let last = nodes.max() else { return }
    for index in nodes {
      isClaimed[index] = true
      replacements[index] = []
    }
    replacements[last] = new
    guard let kind, nodes.count > 1, let result = new.last?.output(0) else { return }
    records.append(
      FusionRecord(kind: kind, nodes: nodes.sorted().map { matcher.node($0).name }, result: graph[result].name))
  }

  /// Puts a node right after the node that makes the later of these values.
  mutating func insert(_ node: Node, after values: [ValueID]) {
    let position = values.map { insertedAfter[$0] ?? matcher.producer(of: $0) ?? -1 }.max() ?? -1
    insertions[position, default: []].append(node)
    for case let output? in node.outputs { insertedAfter[output] = position }
  }

  /// Removes a node; who reads its first output reads `value`, which equals it, instead.
  mutating func forget(_ index: Int, reading value: ValueID) {
    guard let output = matcher.node(index).output(0) else { return }
    replace([index], by: [])
    aliases[output] = value
  }

  mutating func record(_ kind: FusionRecord.Kind, _ nodes: [Int], result: ValueID) {
    records.append(FusionRecord(kind: kind, nodes: nodes.map { matcher.node($0).name }, result: graph[result].name))
  }

  // MARK: Values

  mutating func add(constant tensor: Tensor, named name: String) -> ValueID {
    graph.add(Value(name: unique(name), constant: tensor))
  }

  mutating func add(type: DataType?, shape: Shape?, named name: String) -> ValueID {
    graph.add(Value(name: unique(name), type: type, shape: shape?.map { .fixed($0) }))
  }

  func name(of value: ValueID) -> String { graph[value].name }

  private mutating func unique(_ name: String) -> String {
    var candidate = name
    var number = 2
    while !names.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }

  // MARK: Result

  /// The graph with everything replaced. O(nodes).
  func rewritten() -> Graph {
    var result = graph
    result.nodes = insertions[-1] ?? []
    result.nodes.reserveCapacity(graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      result.nodes += replacements[index] ?? [node]
      result.nodes += insertions[index] ?? []
    }
    guard !aliases.isEmpty else { return result }
    for index in result.nodes.indices {
      result.nodes[index].inputs = result.nodes[index].inputs.map { $0.map(resolved) }
    }
    return result
  }

  /// What a value is read as.
  private func resolved(_ value: ValueID) -> ValueID {
    var value = value
    while let other = aliases[value] { value = other }
    return value
  }
}
