import NIOCore
import Wire

/// The body of `:classify` and `:regress`: items as objects of features.
struct ExamplesJSON {
  /// Empty when the body names none.
  let signatureName: String
  /// With the context's features where an example has none of that name.
  let examples: [Example]

  init(_ body: ByteBuffer) throws(TensorFlowStatus) {
    let root = try JSONBody.object(body)
    signatureName = try JSONBody.signatureName(root)
    let context = try root["context"].map { value throws(TensorFlowStatus) in try Self.example(value) } ?? Example()
    guard let list = root["examples"] else {
      throw Self.formatError(root, "When method is classify, key 'examples' is expected and was not found")
    }
    guard list.isArray else { throw Self.formatError(root, "Expecting 'examples' value to be an list/array") }
    guard list.count > 0 else { throw Self.formatError(root, "'examples' value is an empty array") }
    var examples: [Example] = []
    examples.reserveCapacity(list.count)
    for element in list.elements {
      var example = try Self.example(element)
      example.features.merge(context.features) { own, _ in own }
      examples.append(example)
    }
    self.examples = examples
  }

  private static func formatError(_ value: JSONValue, _ problem: String) -> TensorFlowStatus {
    .invalid("JSON Value: \(value.errorText) \(problem)")
  }

  private static func example(_ value: JSONValue) throws(TensorFlowStatus) -> Example {
    guard value.isObject else { throw .invalid("Example must be JSON object but got JSON \(value.typeName)") }
    var example = Example()
    for member in value.members {
      var feature = FeatureBuilder(name: member.name)
      if member.value.isArray {
        for element in member.value.elements { try feature.add(element) }
      } else {
        try feature.add(member.value)
      }
      example.features[member.name] = feature.feature
    }
    return example
  }
}

/// Gathers the values of one feature, which must all be of one kind.
private struct FeatureBuilder {
  private enum Kind: String {
    case bytes, float, int64
  }

  let name: String
  private var kind: Kind?
  private var bytes: [[UInt8]] = []
  private var floats: [Float] = []
  private var integers: [Int64] = []

  init(name: String) { self.name = name }

  var feature: ExampleFeature {
    switch kind {
    case .bytes: .bytes(bytes)
    case .int64: .integers(integers)
    // Without values it is of no kind, and any will do.
    case .float, nil: .floats(floats)
    }
  }

  mutating func add(_ value: JSONValue) throws(TensorFlowStatus) {
    switch value.kind {
    case .null, .array: throw unexpected(value)
    case .true, .false:
      try expect(.int64)
      integers.append(value.kind == .true ? 1 : 0)
    case .integer:
      try expect(.int64)
      integers.append(value.integer ?? 0)
    case .unsigned:
      try expect(.int64)
      throw .invalid("Feature: \(name) has uint64_t element. Only int64_t is supported.")
    case .double:
      try expect(.float)
      floats.append(Float(value.double ?? 0))
    case .string, .escapedString:
      try expect(.bytes)
      bytes.append(value.bytes ?? [])
    case .object:
      guard JSONBody.isBase64(value) else { throw unexpected(value) }
      try expect(.bytes)
      bytes.append(try JSONBody.base64(value))
    }
  }

  private mutating func expect(_ wanted: Kind) throws(TensorFlowStatus) {
    guard kind == nil || kind == wanted else {
      throw .invalid("Unexpected element type in feature: \(name) expecting type: \(kind?.rawValue ?? "UNKNOWN")")
    }
    kind = wanted
  }

  private func unexpected(_ value: JSONValue) -> TensorFlowStatus {
    .invalid("Feature: \(name) has element with unexpected JSON type: \(value.typeName)")
  }
}
