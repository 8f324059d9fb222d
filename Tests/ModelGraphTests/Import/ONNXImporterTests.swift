import Testing
import Wire

@testable import ModelGraph

@Suite("The ONNX importer")
struct ONNXImporterTests {
  private func names(_ graph: Graph, _ values: [ValueID?]) -> [String?] { values.map { $0.map { graph[$0].name } } }

  @Test("reads inputs, outputs, constants, attributes and metadata")
  func wholeModel() throws {
    var bytes = ModelBytes.model { graph in
      graph.append(field: 2, string: "tiny")
      graph.input("x", dims: ["N", 4])
      graph.initializer(ModelBytes.tensor("w", [1, 2, 3, 4], dims: [4, 1]))
      graph.node(
        "Gemm", ["x", "w", ""], ["y"], name: "dense",
        attributes: [
          ModelBytes.attribute("alpha", type: 1) { $0.append(field: 2, fixed32: Float(0.5).bitPattern) },
          ModelBytes.attribute("transB", type: 2) { $0.append(field: 3, varint: 0) },
        ])
      graph.node("LeakyRelu", ["y"], ["z"])
      graph.value("y", dims: ["N", 1])
      graph.output("z", dims: ["N", 1])
    }
    bytes += ModelBytes.message {
      $0.append(field: 14) {
        $0.append(field: 1, string: "author")
        $0.append(field: 2, string: "us")
      }
    }
    let graph = try ONNXImporter.importModel(bytes: bytes)
    #expect(graph.name == "tiny")
    #expect(graph.metadata == ["author": "us"])
    #expect(names(graph, graph.inputs) == ["x"])
    #expect(graph[graph.inputs[0]].shape == [.symbolic("N"), .fixed(4)])
    #expect(graph[graph.inputs[0]].type == .float32)
    #expect(names(graph, graph.outputs) == ["z"])
    #expect(graph.nodes.map(\.op) == ["Gemm", "LeakyRelu"])
    #expect(graph.nodes.map(\.name) == ["dense", "LeakyRelu_1"])
    #expect(names(graph, graph.nodes[0].inputs) == ["x", "w"])
    #expect(graph.nodes[0].float("alpha") == 0.5)
    #expect(graph.nodes[0].int("transB") == 0)
    #expect(graph.nodes[0].opset == 17)
    let y = try #require(graph.nodes[0].output(0))
    #expect(graph[y].shape == [.symbolic("N"), .fixed(1)])
    #expect(graph.constant(graph.nodes[0].input(1))?.floats == [1, 2, 3, 4])
  }

  @Test("turns Constant nodes into constants")
  func constants() throws {
    let attributes: [([UInt8], DataType, Shape, [Float])] = [
      (
        ModelBytes.attribute("value_float", type: 1) { $0.append(field: 2, fixed32: Float(2).bitPattern) }, .float32,
        [], [2]
      ),
      (ModelBytes.attribute("value_int", type: 2) { $0.append(field: 3, varint: 7) }, .int64, [], [7]),
      (ModelBytes.attribute("value_ints", type: 7) { $0.append(field: 8, bytes: [1, 2, 3]) }, .int64, [3], [1, 2, 3]),
      (ModelBytes.attribute("value_floats", type: 6) { _ in }, .float32, [0], []),
      (
        ModelBytes.attribute("value", type: 4) {
          $0.append(field: 5, bytes: ModelBytes.tensor("", [5, 6], dims: [2]))
        },
        .float32, [2], [5, 6]
      ),
    ]
    for (attribute, type, shape, elements) in attributes {
      let graph = try ONNXImporter.importModel(
        bytes: ModelBytes.model { graph in
          graph.node("Constant", [], ["c"], attributes: [attribute])
          graph.output("c")
        })
      let tensor = try #require(graph.constant(graph.outputs[0]))
      #expect(graph.nodes.isEmpty)
      #expect(tensor.type == type)
      #expect(tensor.shape == shape)
      #expect(tensor.floats == elements)
    }
  }

  @Test("takes initializers that are listed as inputs for constants, and checks that they agree")
  func initializersAsInputs() throws {
    func model(declared: [ModelBytes.Extent]) -> [UInt8] {
      ModelBytes.model { graph in
        graph.input("x")
        graph.input("w", dims: declared)
        graph.initializer(ModelBytes.tensor("w", [1, 2], dims: [2]))
        graph.node("Add", ["x", "w"], ["y"])
        graph.output("y")
      }
    }
    let graph = try ONNXImporter.importModel(bytes: model(declared: ["k"]))
    #expect(names(graph, graph.inputs) == ["x"])
    #expect(throws: ImportError.self) { try ONNXImporter.importModel(bytes: model(declared: [3])) }
    #expect(throws: ImportError.self) { try ONNXImporter.importModel(bytes: model(declared: [2, 1])) }
  }

  @Test("keeps graph outputs that are inputs or constants themselves")
  func directOutputs() throws {
    let graph = try ONNXImporter.importModel(
      bytes: ModelBytes.model { graph in
        graph.input("x")
        graph.initializer(ModelBytes.tensor("w", [1], dims: [1]))
        graph.output("w")
        graph.output("x")
      })
    #expect(names(graph, graph.outputs) == ["w", "x"])
  }

  @Test("keeps absent inputs absent, and drops optional outputs that nothing reads")
  func optionalOperands() throws {
    let graph = try ONNXImporter.importModel(
      bytes: ModelBytes.model { graph in
        graph.input("x")
        graph.initializer(ModelBytes.tensor("top", [6], dims: []))
        graph.node("Clip", ["x", "", "top"], ["y"])
        graph.node("Dropout", ["y", "", ""], ["z", "mask"])
        graph.node("Split", ["z"], ["a", "b"], attributes: [])
        graph.output("a")
      })
    #expect(names(graph, graph.nodes[0].inputs) == ["x", nil, "top"])
    #expect(graph.nodes[1].inputs.count == 1)
    #expect(names(graph, graph.nodes[1].outputs) == ["z"])
    #expect(graph.nodes[2].outputs.count == 2, "how many parts Split makes is part of its meaning")
  }

  @Test("gives every unknown extent a name of its own")
  func unknownExtents() throws {
    let graph = try ONNXImporter.importModel(
      bytes: ModelBytes.model { graph in
        graph.input("x", dims: [.unknown, .unknown, "x.0", .named("")])
        graph.output("x")
      })
    let shape = try #require(graph[graph.inputs[0]].shape)
    #expect(Set(shape).count == 4)
    #expect(shape.allSatisfy { $0.fixedExtent == nil })
    #expect(shape[2] == .symbolic("x.0"))
  }

  @Test("refuses shapes that no tensor can have")
  func absurdShapes() {
    let shapes: [[ModelBytes.Extent]] = [
      [-1], [.fixed(.max)], [.fixed(.min)], [65536, 65536], [0, 65536, 65536], [1, 1, 1, 1, 1, 1, 1, 1, 1],
      [3_000_000_000],
    ]
    for dims in shapes {
      let bytes = ModelBytes.model { graph in
        graph.input("x", dims: dims)
        graph.output("x")
      }
      #expect(throws: ImportError.self, "\(dims)") { try ONNXImporter.importModel(bytes: bytes) }
    }
  }

  @Test("refuses names that mean two things, or nothing")
  func names() {
    let input = "a graph input", initializer = "an initializer", list = "the list of graph outputs"
    let w = ModelBytes.tensor("w", [1], dims: [1])
    let cases: [(ImportError, (inout ProtobufWriter) -> Void)] = [
      (.duplicateValue(name: "x", first: input, second: input), { $0.input("x") }),
      (
        .duplicateValue(name: "w", first: initializer, second: initializer),
        { graph in for _ in 0..<2 { graph.initializer(w) } }
      ),
      (.duplicateValue(name: "x", first: input, second: "node \"n\""), { $0.node("Relu", ["x"], ["x"], name: "n") }),
      (
        .duplicateValue(name: "y", first: "node \"a\"", second: "node \"b\""),
        { graph in for name in ["a", "b"] { graph.node("Relu", ["x"], ["y"], name: name) } }
      ),
      (.undefinedValue(name: "q", user: "node \"n\""), { $0.node("Relu", ["q"], ["y"], name: "n") }),
      (.undefinedValue(name: "q", user: list), { $0.output("q") }),
      (.duplicateValue(name: "x", first: list, second: "the same list"), { $0.output("x") }),
    ]
    for (error, fields) in cases {
      let bytes = ModelBytes.model { graph in
        graph.input("x")
        graph.output("x")
        fields(&graph)
      }
      #expect(throws: error) { try ONNXImporter.importModel(bytes: bytes) }
    }
  }

  @Test("refuses models without outputs, graph or version")
  func incomplete() {
    #expect(throws: ImportError.missing(part: "outputs")) {
      try ONNXImporter.importModel(bytes: ModelBytes.model { $0.input("x") })
    }
    #expect(throws: ImportError.missing(part: "graph")) {
      try ONNXImporter.importModel(bytes: ModelBytes.message { $0.append(field: 1, varint: 8) })
    }
    #expect(throws: ImportError.self) { try ONNXImporter.importModel(bytes: []) }
    #expect(throws: ImportError.self) {
      try ONNXImporter.importModel(bytes: ModelBytes.model(ir: nil) { $0.output("x") })
    }
  }

  @Test("refuses IR versions and operator sets that we do not know")
  func versions() {
    func model(ir: UInt64, opset: UInt64?) -> [UInt8] {
      ModelBytes.model(ir: ir, opsets: opset.map { [("", $0)] } ?? []) { graph in
        graph.input("x")
        graph.node("Relu", ["x"], ["y"])
        graph.output("y")
      }
    }
    for (ir, opset) in [(3, 7), (13, 21)] as [(UInt64, UInt64)] {
      #expect(throws: Never.self) { try ONNXImporter.importModel(bytes: model(ir: ir, opset: opset)) }
    }
    for ir in [0, 2, 14, UInt64.max] {
      #expect(throws: ImportError.unsupportedIRVersion(Int64(bitPattern: ir), supported: 3...13)) {
        try ONNXImporter.importModel(bytes: model(ir: ir, opset: 17))
      }
    }
    for opset in [nil, 0, 6, 22, UInt64.max] as [UInt64?] {
      let version = opset.map { Int64(bitPattern: $0) }
      #expect(throws: ImportError.unsupportedOperatorSet(domain: "", version: version, supported: 7...21)) {
        try ONNXImporter.importModel(bytes: model(ir: 8, opset: opset))
      }
    }
  }

  @Test("says which file it cannot read")
  func unreadable() throws {
    let error = try #require(throws: ImportError.self) { try ONNXImporter.importModel(at: "/nowhere/model.onnx") }
    #expect(error.description == "cannot read /nowhere/model.onnx: No such file or directory")
  }
}
