import Foundation
import ModelGraph
import Testing

@Suite("Classifier heads and ramp sites")
struct ClassifierHeadTests {
  /// Three convolutions and a linear layer; what follows is the caller's.
  private func network(
    _ end: (inout SmallGraph, ValueID) -> [ValueID], classes: Int = 3
  ) throws -> (graph: Graph, sites: RampSites) {
    var builder = SmallGraph()
    let image = builder.input("image", [.symbolic("N"), .fixed(3), .fixed(16), .fixed(16)])
    var x = builder.node("Relu", [builder.node("Conv", [image, builder.weights([64, 3, 1, 1])])], named: "block0")
    for block in 1..<3 {
      x = builder.node("Relu", [builder.node("Conv", [x, builder.weights([64, 64, 1, 1])])], named: "block\(block)")
    }
    let pooled = builder.node("Flatten", [builder.node("GlobalAveragePool", [x])], named: "pooled")
    let product = builder.node("MatMul", [pooled, builder.weights([64, classes])], named: "product")
    let logits = builder.node("Add", [product, builder.weights([classes])], named: "logits")
    let outputs = end(&builder, logits)
    var graph = builder.graph
    graph.outputs = outputs
    return (graph, try RampSites(graph, inputShapes: [image: [2, 3, 16, 16]]))
  }

  @Test func logitsThatAreTheOutputHaveNoTail() throws {
    let (graph, sites) = try network { [$1] }
    #expect(graph[sites.head.logits].name == "logits" && sites.head.classes == 3 && sites.head.tail.isEmpty)
    #expect(sites.sites.map(\.name) == ["block0", "block1"], "behind block2 next to nothing is left")
    #expect(sites.sites.map(\.shape) == [[2, 64, 16, 16], [2, 64, 16, 16]])
    guard case .image = sites.head.pooling else {
      Issue.record("pooling is \(sites.head.pooling)")
      return
    }
  }

  @Test func softmaxAndArgmaxAreTheTail() throws {
    let (graph, sites) = try network { builder, logits in
      let probabilities = builder.node("Softmax", [logits], named: "probabilities")
      return [builder.node("ArgMax", [probabilities], ["axis": .int(1)], named: "label"), probabilities]
    }
    #expect(graph[sites.head.logits].name == "logits")
    #expect(sites.head.tail.map(\.name) == ["probabilities", "label"] && !sites.sites.isEmpty)
  }

  @Test func aTemperatureBelongsToTheTailAndABiasDoesNot() throws {
    let (graph, sites) = try network { builder, logits in
      let scaled = builder.node(
        "Div", [logits, builder.constant(Tensor([Float(2)], shape: [1]))], named: "scaled")
      return [builder.node("Softmax", [scaled], named: "probabilities")]
    }
    #expect(graph[sites.head.logits].name == "logits" && sites.head.tail.map(\.name) == ["scaled", "probabilities"])
  }

  @Test func scoresThatAreReshapedToRowsAreTakenAsRows() throws {
    var builder = SmallGraph()
    let image = builder.input("image", [2, 3, 16, 16])
    let features = builder.node("Relu", [builder.node("Conv", [image, builder.weights([8, 3, 1, 1])])], named: "f")
    let map = builder.node("Relu", [builder.node("Conv", [features, builder.weights([5, 8, 1, 1])])], named: "map")
    let average = builder.node("GlobalAveragePool", [map], named: "average")
    let rows = builder.node("Flatten", [average], named: "rows")
    let graph = builder.built(builder.node("Softmax", [rows], named: "softmax"))
    let sites = try RampSites(graph, inputShapes: [:])
    #expect(graph[sites.head.logits].name == "rows" && sites.head.classes == 5)
    #expect(sites.head.tail.map(\.name) == ["softmax"] && sites.sites.map(\.name) == ["f", "map"])
  }

  @Test func modelsThatRampsCannotAnswerForSayWhy() {
    #expect(throws: ClassifierError.severalAnswers(values: ["pooled", "logits"])) {
      try network { builder, logits in
        [builder.graph.values.firstIndex { $0.name == "pooled" }.map { ValueID($0) } ?? logits, logits]
      }
    }
    #expect(throws: ClassifierError.singleClass(value: "product")) { try network({ [$1] }, classes: 1) }
    #expect(throws: ClassifierError.multiLabel(node: "each")) {
      try network { builder, logits in [builder.node("Sigmoid", [logits], named: "each")] }
    }
    #expect(throws: ClassifierError.notRows(value: "block1", shape: [2, 64, 16, 16])) {
      try network { builder, logits in
        [builder.graph.values.firstIndex { $0.name == "block1" }.map { ValueID($0) } ?? logits]
      }
    }
  }

  /// An encoder layer's worth of nodes, and pooling by `pool` from states [N, S, 8] and a mask [N, S].
  private func encoder(
    _ pool: (inout SmallGraph, _ states: ValueID, _ mask: ValueID) -> ValueID
  ) throws -> (graph: Graph, head: ClassifierHead, sites: [RampSite]) {
    var builder = SmallGraph()
    let tokens = builder.input("tokens", [.symbolic("N"), .symbolic("S")], .int64)
    let mask = builder.input("mask", [.symbolic("N"), .symbolic("S")], .int64)
    var x = builder.node("Gather", [builder.weights([30, 8]), tokens], named: "embedding")
    for layer in 0..<2 {
      let hidden = builder.node("Relu", [builder.node("MatMul", [x, builder.weights([8, 16])])])
      let sum = builder.node("Add", [builder.node("MatMul", [hidden, builder.weights([16, 8])]), x])
      x = builder.node("LayerNormalization", [sum, builder.weights([8])], named: "layer\(layer)")
    }
    let pooled = pool(&builder, x, mask)
    let hidden = builder.node("Tanh", [builder.node("Gemm", [pooled, builder.weights([8, 8])])], named: "pooler")
    let graph = builder.built(builder.node("Gemm", [hidden, builder.weights([8, 2])], named: "logits"))
    let found = try RampSites(graph, inputShapes: [tokens: [2, 7], mask: [2, 7]])
    return (graph, found.head, found.sites)
  }

  @Test func theFirstTokenIsPooledByItsGather() throws {
    let (graph, head, sites) = try encoder { builder, states, _ in
      builder.node(
        "Gather", [states, builder.constant(Tensor([Int64(0)], shape: []))], ["axis": .int(1)], named: "first")
    }
    guard case .tokens(let nodes, let input, let output) = head.pooling else {
      Issue.record("pooling is \(head.pooling)")
      return
    }
    #expect(nodes.map(\.name) == ["first"] && graph[input].name == "layer1" && graph[output].name == "first")
    #expect(sites.map(\.name).starts(with: ["embedding", "layer0"]))
  }

  @Test func aMaskedMeanIsPooledWithItsMaskAndItsCount() throws {
    let (graph, head, _) = try encoder { builder, states, mask in
      let numbers = builder.node("Cast", [mask], ["to": .int(1)])
      let shape = builder.node("Shape", [states])
      let column = builder.node("Unsqueeze", [numbers, builder.integers([2])])
      let wide = builder.node("Expand", [column, shape], named: "wide")
      let sum = builder.node(
        "ReduceSum", [builder.node("Mul", [states, wide], named: "masked"), builder.integers([1])],
        ["keepdims": .int(0)], named: "sum")
      let count = builder.node("ReduceSum", [wide, builder.integers([1])], ["keepdims": .int(0)], named: "count")
      let least = builder.node("Clip", [count, builder.constant(Tensor([Float(1e-9)], shape: []))])
      return builder.node("Div", [sum, least], named: "mean")
    }
    guard case .tokens(let nodes, let input, let output) = head.pooling else {
      Issue.record("pooling is \(head.pooling)")
      return
    }
    #expect(nodes.map(\.name) == ["masked", "sum", "mean"])
    #expect(graph[input].name == "layer1" && graph[output].name == "mean")
  }

  @Test func tokensThatAreAllKeptCannotBePooled() {
    #expect(throws: ClassifierError.self) {
      try encoder { builder, states, _ in
        let flat = builder.node("Reshape", [states, builder.integers([-1, 56])])
        return builder.node("Gemm", [flat, builder.weights([56, 8])])
      }
    }
  }

  private static let workloads = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Workloads")

  @Test func theTrafficModelsHaveSitesBehindTheirBlocks() throws {
    for (name, side, least) in [("vtest-resnet18", 64, 8), ("vtest-efficientnet-lite0", 96, 15)] {
      let graph = try ONNXImporter.importModel(at: Self.workloads.appendingPathComponent(name + ".onnx").path)
      let found = try RampSites(graph, inputShapes: [graph.inputs[0]: [2, 3, side, side]])
      #expect(graph[found.head.logits].name == "logits" && found.head.classes == 3 && found.head.tail.isEmpty)
      #expect(found.sites.count >= least)
      #expect(zip(found.sites, found.sites.dropFirst()).allSatisfy { $0.flopShare < $1.flopShare })
      #expect(found.sites.allSatisfy { $0.shape.count == 4 && $0.shape[0] == 2 })
    }
  }
}
