import Testing
import Wire

@testable import ModelGraph

@Suite("The order of nodes")
struct NodeOrderTests {
  @Test("is made topological where the file's is not, and kept where it is")
  func sorts() throws {
    let edges = [("c", "b", "c"), ("d", "a", "d"), ("a", "x", "a"), ("b", "a", "b")]
    let graph = try ONNXImporter.importModel(
      bytes: ModelBytes.model { graph in
        graph.input("x")
        for (name, from, to) in edges { graph.node("Relu", [from], [to], name: name) }
        graph.output("c")
      })
    #expect(graph.nodes.map(\.name) == ["a", "b", "c", "d"])
  }

  @Test("holds for long chains that are written backwards")
  func longChain() throws {
    let length = 20_000
    let graph = try ONNXImporter.importModel(
      bytes: ModelBytes.model { graph in
        graph.input("v0")
        for index in (0..<length).reversed() { graph.node("Relu", ["v\(index)"], ["v\(index + 1)"], name: "\(index)") }
        graph.output("v\(length)")
      })
    #expect(graph.nodes.map(\.name) == (0..<length).map { "\($0)" })
  }

  @Test("cannot be found in a cycle, whose nodes the error names")
  func cycle() {
    let bytes = ModelBytes.model { graph in
      graph.input("x")
      graph.node("Relu", ["x"], ["y"], name: "fine")
      graph.node("Add", ["y", "c"], ["a"], name: "first")
      graph.node("Relu", ["a"], ["b"], name: "second")
      graph.node("Relu", ["b"], ["c"], name: "third")
      graph.output("c")
    }
    #expect(throws: ImportError.cycle(nodes: ["first", "third", "second"])) {
      try ONNXImporter.importModel(bytes: bytes)
    }
  }

  @Test("cannot be found for a node that reads its own output")
  func selfCycle() {
    let bytes = ModelBytes.model { graph in
      graph.node("Relu", ["a"], ["a"], name: "self")
      graph.output("a")
    }
    #expect(throws: ImportError.cycle(nodes: ["self"])) { try ONNXImporter.importModel(bytes: bytes) }
  }
}
