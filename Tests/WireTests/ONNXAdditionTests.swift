import Testing

@testable import Wire

@Suite("Adding to a model file")
struct ONNXAdditionTests {
  /// A model with fields before and after its graph.
  private func model(_ fields: (inout ProtobufWriter) -> Void = { _ in }) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.append(field: 1, varint: 8)
    writer.append(field: 7) { graph in
      graph.append(field: 1) {
        $0.append(field: 1, string: "x")
        $0.append(field: 2, string: "y")
        $0.append(field: 4, string: "Relu")
      }
      graph.append(field: 2, string: "g")
      graph.append(field: 12) { $0.append(field: 1, string: "y") }
    }
    writer.append(field: 8) { $0.append(field: 2, varint: 17) }
    fields(&writer)
    return writer.bytes
  }

  private var addition: ONNXAddition {
    var addition = ONNXAddition()
    addition.nodes = [
      ONNXNode(
        name: "ramp", domain: "", op: "Gemm", inputs: ["y", "w", ""], outputs: ["r"],
        attributes: [.int("transB", 1), .ints("axes", [-1, 2]), .float("alpha", 0.5)])
    ]
    addition.weights = [.init(name: "w", dimensions: [2, 3], elements: [1, 2, 3, -4, 5.5, .infinity])]
    addition.outputs = [
      ONNXValue(
        name: "r",
        tensorType: ONNXTensorType(
          elementType: 1, dimensions: [.init(extent: nil, parameter: "N"), .init(extent: 2, parameter: nil)]))
    ]
    addition.metadata = [ONNXStringEntry(key: "k", value: "v")]
    return addition
  }

  private func appended(to bytes: [UInt8], _ addition: ONNXAddition) throws -> [UInt8] {
    var result: [UInt8] = []
    try addition.append(to: OwnedBytes(copying: bytes)) { result.append(contentsOf: $0) }
    return result
  }

  @Test("can be read back, behind what was there")
  func readsBack() throws {
    let bytes = try appended(to: model(), addition)
    let source = OwnedBytes(copying: bytes)
    let read = try ONNXModel(reading: source)
    let graph = try #require(read.graph)
    #expect(read.irVersion == 8 && read.operatorSets.map(\.version) == [17])
    #expect(read.metadata.map(\.key) == ["k"] && read.metadata.map(\.value) == ["v"])
    #expect(graph.name == "g" && graph.nodes.map(\.op) == ["Relu", "Gemm"])
    #expect(graph.outputs.map(\.name) == ["y", "r"])
    let node = graph.nodes[1]
    #expect(node.inputs == ["y", "w", ""] && node.outputs == ["r"])
    #expect(node.attributes.map(\.name) == ["transB", "axes", "alpha"])
    #expect(node.attributes[0].int == 1 && node.attributes[1].ints == [-1, 2] && node.attributes[2].float == 0.5)
    let type = try #require(graph.outputs[1].tensorType)
    #expect(type.elementType == 1 && type.dimensions?.map(\.parameter) == ["N", nil])
    #expect(graph.initializers.count == 1 && graph.initializers[0].name == "w")
    #expect(graph.initializers[0].dimensions == [2, 3])
  }

  @Test("of nothing changes no byte")
  func nothing() throws {
    #expect(try appended(to: model(), ONNXAddition()) == model())
  }

  @Test("needs a model with one graph")
  func badModels() {
    #expect(throws: WireError.self) { try appended(to: [], addition) }
    #expect(throws: WireError.self) { try appended(to: Array(model().dropLast(3)), addition) }
    let two = model { $0.append(field: 7, bytes: []) }
    #expect(throws: WireError.self) { try appended(to: two, addition) }
  }
}
