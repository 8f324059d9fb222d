import ModelGraph

/// Which outputs need a computation: all runs do it, or only those that want one of some side outputs.
enum Demand: Hashable, Sendable {
  case always
  /// Positions among the graph's outputs.
  case sides(Set<Int>)

  /// Whether what is computed for this demand is there whenever `other` asks for it.
  func covers(_ other: Demand) -> Bool {
    switch (self, other) {
    case (.always, _): true
    case (.sides, .always): false
    case (.sides(let mine), .sides(let theirs)): theirs.isSubset(of: mine)
    }
  }

  /// Whether a run that wants these side outputs needs the computation.
  func isMet(by sides: Set<Int>) -> Bool {
    switch self {
    case .always: true
    case .sides(let mine): !mine.isDisjoint(with: sides)
    }
  }

  fileprivate mutating func formUnion(_ other: Demand) {
    if case .sides(let mine) = self, case .sides(let theirs) = other {
      self = .sides(mine.union(theirs))
    } else {
      self = .always
    }
  }
}

extension Graph {
  /// For each node, who needs it. O(nodes × side outputs).
  ///
  /// - Parameter sides: the outputs that a run may go without.
  func demands(sides: Set<ValueID>) -> [Demand] {
    var wanted: [ValueID: Demand] = [:]
    for (position, output) in outputs.enumerated() {
      let demand: Demand = sides.contains(output) ? .sides([position]) : .always
      wanted[output, default: .sides([])].formUnion(demand)
    }
    var result = [Demand](repeating: .sides([]), count: nodes.count)
    for (index, node) in nodes.enumerated().reversed() {
      for case let output? in node.outputs { if let demand = wanted[output] { result[index].formUnion(demand) } }
      for case let input? in node.inputs { wanted[input, default: .sides([])].formUnion(result[index]) }
    }
    return result
  }
}
