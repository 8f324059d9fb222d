import ModelGraph
import NIOCore
import Serving
import Wire

/// The body of `:predict`: tensors as rows (`instances`) or as columns (`inputs`).
struct PredictJSON {
  /// The answer has the request's form.
  enum Format: Sendable {
    case row, columnar
  }

  /// Empty when the body names none.
  let signatureName: String
  private let root: JSONValue

  /// Parses a body; what the tensors must be is known only when its signature is, see ``inputs(_:)``.
  init(_ body: ByteBuffer) throws(TensorFlowStatus) {
    root = try JSONBody.object(body)
    signatureName = try JSONBody.signatureName(root)
  }

  /// - Parameter specs: the signature's inputs.
  func inputs(_ specs: [TensorSpec]) throws(TensorFlowStatus) -> (format: Format, tensors: [String: Tensor]) {
    switch (root["instances"], root["inputs"]) {
    case (nil, nil): throw .invalid("Missing 'inputs' or 'instances' key")
    case (.some, .some):
      throw formatError("Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ")
    case (let instances?, nil):
      guard instances.isArray else { throw formatError("Excepting 'instances' to be an list/array") }
      guard instances.count > 0 else { throw formatError("No values in 'instances' array") }
      return (.row, try rows(instances, specs))
    case (nil, let inputs?): return (.columnar, try columns(inputs, specs))
    }
  }

  private func formatError(_ problem: String) -> TensorFlowStatus {
    .invalid("JSON Value: \(root.errorText) \(problem)")
  }

  // MARK: Rows

  /// Elements of one input, which all have the same shape.
  private struct Stack {
    let shape: Shape
    let size: Int
    var elements: JSONTensor
  }

  private func rows(_ instances: JSONValue, _ specs: [TensorSpec]) throws(TensorFlowStatus) -> [String: Tensor] {
    let first = JSONValue(document: instances.document, index: instances.index + 1)
    guard first.isObject || specs.count == 1 else {
      throw .invalid(
        "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map"
      )
    }
    let areObjects = Self.isNamed(first)
    let byName = Dictionary(specs.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let names = byName.keys.sorted()
    var stacks: [String: Stack] = [:]
    var index = 0
    for element in instances.elements {
      if areObjects {
        guard Self.isNamed(element) else {
          throw .invalid("Expecting object but got list at item \(index) of input list")
        }
        try addRow(element, at: index, to: &stacks, byName, names, of: instances.count)
      } else {
        guard !Self.isNamed(element) else {
          throw .invalid("Expecting value/list but got object at item \(index) of input list")
        }
        guard let name = names.first, let spec = byName[name] else {
          throw .invalid("Failed to get input map for signature: \(signatureName.isEmpty ? "DEFAULT" : signatureName)")
        }
        do throws(TensorFlowStatus) {
          try add(element, to: &stacks[name], spec, of: instances.count)
        } catch {
          throw .invalid("Failed to process element: \(index) of 'instances' list. Error: \(error)")
        }
      }
      index += 1
    }
    return stacks.mapValues { $0.elements.tensor(shape: [instances.count] + $0.shape) }
  }

  private func addRow(
    _ row: JSONValue, at index: Int, to stacks: inout [String: Stack], _ specs: [String: TensorSpec], _ names: [String],
    of count: Int
  ) throws(TensorFlowStatus) {
    var keys: Set<String> = []
    for member in row.members {
      do throws(TensorFlowStatus) {
        guard let spec = specs[member.name] else {
          throw .invalid("JSON object: does not have named input: \(member.name)")
        }
        // A name that comes twice would make its stack higher than the others.
        guard keys.insert(member.name).inserted else {
          throw .invalid("JSON object: has named input more than once: \(member.name)")
        }
        try add(member.value, to: &stacks[member.name], spec, of: count)
      } catch {
        throw .invalid("Failed to process element: \(index) key: \(member.name) of 'instances' list. Error: \(error)")
      }
    }
    guard keys == Set(names) else {
      throw .invalid(
        "Failed to process element: \(index) of 'instances' list. JSON object: \(row.errorText) keys must be equal to: \(names.joined(separator: ","))"
      )
    }
  }

  private func add(
    _ value: JSONValue, to stack: inout Stack?, _ spec: TensorSpec, of count: Int
  ) throws(TensorFlowStatus) {
    let shape = JSONTensor.shape(of: value)
    if stack == nil {
      // A hostile text claims more by irregular lists than it has: there are never more elements than nodes.
      let claimed = Self.elementCount(shape, atMost: value.document.nodes.count)
      let capacity = min(claimed.multipliedReportingOverflow(by: count).partialValue, value.document.nodes.count)
      stack = Stack(shape: shape, size: claimed, elements: JSONTensor(type: spec.type, capacity: max(0, capacity)))
    }
    guard var grown = stack else { return }
    // Not two references to the elements: that would copy them.
    stack = nil
    let before = grown.elements.count
    try grown.elements.add(value, shape: shape)
    let size = grown.elements.count - before
    guard size == grown.size else { throw .invalid("Expecting tensor size: \(grown.size) but got: \(size)") }
    guard shape == grown.shape else {
      throw .invalid("Expecting shape \(Self.text(grown.shape)) but got: \(Self.text(shape))")
    }
    stack = grown
  }

  // MARK: Columns

  private func columns(_ inputs: JSONValue, _ specs: [TensorSpec]) throws(TensorFlowStatus) -> [String: Tensor] {
    guard Self.isNamed(inputs) else {
      guard specs.count == 1, let spec = specs.first else {
        throw .invalid(
          "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map"
        )
      }
      return [spec.name: try tensor(inputs, spec)]
    }
    var tensors: [String: Tensor] = [:]
    for spec in specs.sorted(by: { $0.name < $1.name }) {
      guard let value = inputs[spec.name] else {
        throw .invalid("Missing named input: \(spec.name) in 'inputs' object.")
      }
      tensors[spec.name] = try tensor(value, spec)
    }
    return tensors
  }

  private func tensor(_ value: JSONValue, _ spec: TensorSpec) throws(TensorFlowStatus) -> Tensor {
    let shape = JSONTensor.shape(of: value)
    let capacity = Self.elementCount(shape, atMost: value.document.nodes.count)
    var elements = JSONTensor(type: spec.type, capacity: capacity)
    try elements.add(value, shape: shape)
    return elements.tensor(shape: shape)
  }

  // MARK: Shapes

  /// An object that stands for named inputs, and not `{"b64": …}`, which is a value.
  private static func isNamed(_ value: JSONValue) -> Bool { value.isObject && !JSONBody.isBase64(value) }

  private static func text(_ shape: Shape) -> String { "[\(shape.map(String.init).joined(separator: ","))]" }

  private static func elementCount(_ shape: Shape, atMost limit: Int) -> Int {
    if shape.contains(0) { return 0 }
    var count = 1
    for extent in shape {
      count = count.multipliedReportingOverflow(by: extent).overflow ? limit : count * extent
      if count >= limit { return limit }
    }
    return count
  }
}
