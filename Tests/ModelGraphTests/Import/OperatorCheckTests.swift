import Testing
import Wire

@testable import ModelGraph

@Suite("The operator check")
struct OperatorCheckTests {
  /// The nodes that a model with `nodes` is refused for; empty when it imports.
  private func unsupported(
    opset: UInt64 = 17, _ nodes: (inout ProtobufWriter) -> Void
  ) throws -> [UnsupportedNode] {
    let bytes = ModelBytes.model(opsets: [("", opset), ("com.microsoft", 1), ("ai.onnx.ml", 2)]) { graph in
      graph.input("x")
      nodes(&graph)
      graph.output("x")
    }
    do { _ = try ONNXImporter.importModel(bytes: bytes) } catch {
      guard case ImportError.unsupportedNodes(let nodes) = error else { throw error }
      return nodes
    }
    return []
  }

  @Test("lists all nodes that cannot run, with operator, name, domain, opset and reason")
  func listsAll() throws {
    let nodes = try unsupported { graph in
      graph.node("Loop", ["x"], ["a"], name: "loop")
      graph.node("Relu", ["x"], ["b"])
      graph.node("Normalizer", ["x"], ["c"], domain: "ai.onnx.ml")
      graph.node("Add", ["x"], ["d"], name: "sum")
      graph.node("Nothing", ["x"], ["e"], domain: "org.other")
    }
    #expect(
      nodes.map(\.description) == [
        "Loop (opset 17), node \"loop\": the operator is not supported",
        "ai.onnx.ml.Normalizer (opset 2), node \"Normalizer_2\": the operator is not supported",
        "Add (opset 17), node \"sum\": expected 2 inputs, got 1",
        "org.other.Nothing, node \"Nothing_4\": the operator is not supported",
      ])
  }

  @Test("knows in which opsets an operator has which inputs")
  func opsets() throws {
    let table: [(op: String, inputs: Int, opset: UInt64, isSupported: Bool)] = [
      ("Clip", 1, 7, true), ("Clip", 3, 10, false), ("Clip", 3, 11, true), ("Squeeze", 2, 12, false),
      ("Squeeze", 2, 13, true), ("Gemm", 2, 10, false), ("Gemm", 2, 11, true), ("Upsample", 2, 9, true),
      ("Upsample", 2, 10, false), ("Gelu", 1, 19, false), ("Gelu", 1, 20, true), ("ReduceSum", 2, 12, false),
      ("ReduceSum", 2, 13, true), ("ReduceMax", 2, 17, false), ("ReduceMax", 2, 18, true), ("Concat", 0, 13, false),
      ("Concat", 50, 13, true), ("GroupNormalization", 3, 18, false), ("GroupNormalization", 3, 21, true),
    ]
    for row in table {
      let nodes = try unsupported(opset: row.opset) {
        $0.node(row.op, [String](repeating: "x", count: row.inputs), ["y"])
      }
      #expect(nodes.isEmpty == row.isSupported, "\(row)")
    }
  }

  @Test("supports the contrib operators that we list")
  func contrib() throws {
    let nodes = try unsupported { graph in
      graph.node("Gelu", ["x"], ["a"], domain: "com.microsoft")
      graph.node("FusedMatMul", ["x", "x"], ["b"], domain: "com.microsoft")
      graph.node("Relu", ["x"], ["c"], domain: "com.microsoft")
      graph.node("Relu", ["x"], ["d"], domain: "ai.onnx")
      graph.node("Conv", ["x", "x"], ["e"], domain: "apparate")
    }
    #expect(nodes.map(\.op) == ["FusedMatMul", "Relu", "Conv"])
  }

  @Test("refuses absent inputs that are required, and outputs that we do not compute")
  func operands() throws {
    #expect(try unsupported { $0.node("Add", ["", "x"], ["y"]) }.count == 1)
    #expect(try unsupported { $0.node("Concat", ["x", "", "x"], ["y"]) }.count == 1)
    #expect(try unsupported { $0.node("MaxPool", ["x"], ["y", "indices"]) }.isEmpty, "nothing reads the indices")
    let nodes = try unsupported {
      $0.node("MaxPool", ["x"], ["y", "indices"])
      $0.node("Identity", ["indices"], ["z"])
    }
    #expect(nodes.map(\.reason) == ["expected 1 outputs, got 2"])
    #expect(try unsupported { $0.node("TopK", ["x", "x"], ["", "y"]) }.count == 1)
    #expect(try unsupported { $0.node("Relu", ["x"], []) }.count == 1)
  }

  @Test("refuses attributes that we cannot read")
  func attributes() throws {
    let attributes: [[UInt8]] = [
      ModelBytes.attribute("alpha", type: 5) { $0.append(field: 6, bytes: []) },
      ModelBytes.attribute("alpha", type: 0) { _ in },
      ModelBytes.attribute("alpha", type: 4) { _ in },
      ModelBytes.attribute("alpha", type: 99) { _ in },
      ModelBytes.attribute("alpha", type: 1) { $0.append(field: 21, string: "outer") },
      ModelBytes.attribute("alpha", type: 3) { $0.append(field: 4, bytes: [0xFF]) },
    ]
    for attribute in attributes {
      #expect(try unsupported { $0.node("LeakyRelu", ["x"], ["y"], attributes: [attribute]) }.count == 1)
    }
    let old = ModelBytes.attribute("alpha", type: 0) { $0.append(field: 2, fixed32: 0) }
    #expect(try unsupported { $0.node("LeakyRelu", ["x"], ["y"], attributes: [old]) }.isEmpty)
    #expect(try unsupported { $0.node("LeakyRelu", ["x"], ["y"], attributes: [old, old]) }.count == 1)
  }

  @Test("refuses nodes that train")
  func training() throws {
    let isTraining = ModelBytes.attribute("training_mode", type: 2) { $0.append(field: 3, varint: 1) }
    #expect(
      try unsupported {
        $0.node("BatchNormalization", ["x", "x", "x", "x", "x"], ["y"], attributes: [isTraining])
      }.count == 1)
    for (mode, isSupported) in [(0, true), (1, false)] as [(UInt8, Bool)] {
      let nodes = try unsupported { graph in
        graph.initializer(ModelBytes.tensor("mode", type: 9, dims: []) { $0.append(field: 9, bytes: [mode]) })
        graph.node("Dropout", ["x", "", "mode"], ["y"])
      }
      #expect(nodes.isEmpty == isSupported)
    }
    #expect(try unsupported { $0.node("Dropout", ["x", "", "x"], ["y"]) }.count == 1)
  }
}
