import Foundation
import ModelGraph
import Wire

extension PreparedModel {
  /// Writes the model to a file: the bytes of the original, then what is new. Whoever reads the file while it is written
  /// sees the old one.
  ///
  /// - Parameters:
  ///   - path: of the new file.
  ///   - original: of the file that ``graph`` was imported from before ramps were added. It is only read.
  public func write(to path: String, original: String) throws {
    let source = try MemoryMappedFile(path: original)
    let directory = URL(fileURLWithPath: path).deletingLastPathComponent().standardizedFileURL.path
    let home = URL(fileURLWithPath: original).deletingLastPathComponent().standardizedFileURL.path
    let model = try ONNXModel(reading: source)
    if directory != home, model.graph?.initializers.contains(where: \.isExternal) ?? false {
      throw PreparedModelError.externalWeights(file: original, directory: home)
    }
    var described = description
    described.fingerprint = Fingerprint.of(source)
    let addition = try self.addition(to: try ONNXImporter.importModel(at: original), metadata: described)
    try AtomicFile.write(to: path) { handle in
      try addition.append(to: source) { try handle.write(contentsOf: Data($0)) }
    }
  }

  /// What this model has more than the original.
  private func addition(to original: Graph, metadata: PreparedDescription) throws -> ONNXAddition {
    var addition = ONNXAddition()
    addition.nodes = try graph.nodes[original.nodes.count...].map { try ONNXNode($0, in: graph) }
    addition.weights = graph.values[original.values.count...].compactMap { value in
      value.constant.map { .init(name: value.name, dimensions: $0.shape, elements: $0.floats) }
    }
    addition.outputs = graph.outputs[original.outputs.count...].map { ONNXValue(graph[$0]) }
    addition.metadata = [ONNXStringEntry(key: PreparedDescription.key, value: try metadata.json)]
    return addition
  }
}

extension ONNXNode {
  init(_ node: Node, in graph: Graph) throws(PreparedModelError) {
    func names(_ values: [ValueID?]) -> [String] { values.map { $0.map { graph[$0].name } ?? "" } }
    var attributes: [ONNXAttribute] = []
    for (name, attribute) in node.attributes.sorted(by: { $0.key < $1.key }) {
      switch attribute {
      case .int(let value): attributes.append(.int(name, Int(value)))
      case .ints(let values): attributes.append(.ints(name, values.map { Int($0) }))
      case .float(let value): attributes.append(.float(name, value))
      case .string(let text): attributes.append(.string(name, text))
      case .floats(let values): attributes.append(.floats(name, values))
      case .strings, .tensor: throw .unsupportedAttribute(node: node.name, attribute: name)
      }
    }
    self.init(
      name: node.name, domain: node.domain.rawValue, op: node.op, inputs: names(node.inputs),
      outputs: names(node.outputs), attributes: attributes)
  }
}

extension ONNXValue {
  init(_ value: Value) {
    guard let type = value.type else {
      self.init(name: value.name, tensorType: nil)
      return
    }
    let dimensions = value.shape?.map { dimension in
      switch dimension {
      case .fixed(let extent): ONNXDimension(extent: Int64(extent), parameter: nil)
      case .symbolic(let name): ONNXDimension(extent: nil, parameter: name)
      }
    }
    self.init(name: value.name, tensorType: ONNXTensorType(elementType: type.onnxCode, dimensions: dimensions))
  }
}
