import ModelGraph

/// Whether a batch is one that a model can run.
struct InputCheck: Sendable {
  private struct Input: Sendable {
    let name: String
    let type: DataType
    let shape: [Dimension]?
  }

  private let inputs: [Input]
  private let itemLimit: Int

  init(_ graph: Graph, itemLimit: Int) {
    inputs = graph.inputs.map { Input(name: graph[$0].name, type: graph[$0].type ?? .float32, shape: graph[$0].shape) }
    self.itemLimit = itemLimit
  }

  func check(_ batch: Batch) throws(ServingError) {
    let sent = batch.inputs.keys.sorted()
    let expected = inputs.map(\.name).sorted()
    guard sent == expected else { throw .wrongInputs(sent: sent, expected: expected) }
    guard batch.count <= itemLimit else { throw .tooManyItems(count: batch.count, limit: itemLimit) }
    var extents: [String: Int] = [:]
    for input in inputs {
      guard let tensor = batch.inputs[input.name] else { continue }
      guard tensor.type == input.type else {
        throw .wrongType(input: input.name, expected: input.type, got: tensor.type)
      }
      guard let items = tensor.shape.first else { throw .noBatchAxis(input: input.name) }
      guard items == batch.count else { throw .unequalBatchSizes }
      try check(tensor.shape, of: input, &extents)
    }
    guard batch.count > 0 else {
      throw .wrongShape(input: inputs.first?.name ?? "", expected: [nil], got: batch.inputs.first?.value.shape ?? [])
    }
  }

  /// Extents of one name must be equal over all inputs.
  private func check(_ shape: Shape, of input: Input, _ extents: inout [String: Int]) throws(ServingError) {
    guard let declared = input.shape else { return }
    let expected = declared.map { dimension -> Int? in
      switch dimension {
      case .fixed(let extent): extent
      case .symbolic(let name): extents[name]
      }
    }
    guard declared.count == shape.count, zip(expected, shape).allSatisfy({ $0 == nil || $0 == $1 }) else {
      throw .wrongShape(input: input.name, expected: expected, got: shape)
    }
    for (dimension, extent) in zip(declared, shape) {
      if case .symbolic(let name) = dimension, !name.isEmpty, name != "?" { extents[name] = extent }
    }
  }
}

extension Signature {
  /// What a model takes and gives, by its file. `outputs` are those of the original.
  init(_ graph: Graph, outputs: [String]) {
    func spec(_ value: Value) -> TensorSpec {
      TensorSpec(name: value.name, type: value.type ?? .float32, shape: value.shape?.map(\.fixedExtent))
    }
    self.init(
      inputs: graph.inputs.map { spec(graph[$0]) },
      outputs: outputs.compactMap { name in
        graph.outputs.first { graph[$0].name == name }.map { spec(graph[$0]) }
      })
  }
}
