import ModelGraph
import Testing

/// How the tests of fusion look at graphs.
extension Graph {
  /// The operators in order, those of our own with a point in front.
  var ops: [String] { nodes.map { ($0.domain == .apparate ? "." : "") + $0.op } }

  /// Fuses for the shapes that the inputs declare, and checks what holds for any graph.
  func specializedAndFused(
    keeping: Set<ValueID> = [], sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> (Graph, [FusionRecord]) {
    let specialised = try specialized(inputShapes: [:])
    let (graph, records) = specialised.fused(keeping: keeping)
    graph.expectSound(after: specialised, keeping: keeping, sourceLocation: sourceLocation)
    return (graph, records)
  }

  /// Optimises, and checks what holds for any graph.
  func optimized(
    keeping: Set<ValueID> = [], sourceLocation: SourceLocation = #_sourceLocation
  ) -> (Graph, [FusionRecord]) {
    let (graph, records) = optimizedAtLoad(keeping: keeping)
    graph.expectSound(after: self, keeping: keeping, sourceLocation: sourceLocation)
    return (graph, records)
  }

  private func expectSound(after before: Graph, keeping: Set<ValueID>, sourceLocation: SourceLocation) {
    assertTopological(sourceLocation: sourceLocation)
    #expect(outputs == before.outputs && inputs == before.inputs, sourceLocation: sourceLocation)
    for index in before.values.indices {
      #expect(values[index].name == before.values[index].name, "names stay", sourceLocation: sourceLocation)
    }
    #expect(Set(values.map(\.name)).count == values.count, "names are unique", sourceLocation: sourceLocation)
    let made = Set(nodes.flatMap { $0.outputs.compactMap { $0 } })
    for value in Set(outputs).union(keeping) where self[value].constant == nil && !inputs.contains(value) {
      #expect(made.contains(value), "\(self[value].name) is still made", sourceLocation: sourceLocation)
    }
  }

  func assertTopological(sourceLocation: SourceLocation = #_sourceLocation) {
    let misplaced = firstMisplacedNode()
    #expect(misplaced == nil, "\(misplaced?.name ?? "") reads what comes later", sourceLocation: sourceLocation)
  }
}

extension SmallGraph {
  mutating func number(_ value: Float, _ shape: Shape = []) -> ValueID { constant(Tensor([value], shape: shape)) }

  mutating func floats(_ values: [Float], _ shape: Shape? = nil) -> ValueID {
    constant(Tensor(values, shape: shape ?? [values.count]))
  }

  mutating func conv(
    _ x: ValueID, _ weights: Shape, bias: Bool = true, _ attributes: [String: Attribute] = [:]
  ) -> ValueID {
    let w = self.weights(weights)
    return node("Conv", bias ? [x, w, self.weights([weights[0]])] : [x, w], attributes)
  }

  /// A product with constant weights as the load step leaves it.
  mutating func gemm(_ x: ValueID, _ weights: Shape) -> ValueID {
    let w = self.weights(weights)
    let bias = self.weights([weights[1]])
    return node("Gemm", [x, w, bias], domain: .apparate)
  }

  mutating func reshape(_ x: ValueID, _ shape: [Int64]) -> ValueID { node("Reshape", [x, integers(shape)]) }

  mutating func transpose(_ x: ValueID, _ permutation: [Int64]) -> ValueID {
    node("Transpose", [x], ["perm": .ints(permutation)])
  }
}
