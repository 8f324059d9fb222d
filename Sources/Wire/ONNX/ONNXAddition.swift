/// What is added to a model without touching what it has: nodes after its own, weights, outputs and metadata.
///
/// The file stays an ordinary ONNX file, and the bytes of its own nodes and weights stay as they are. Names must be new
/// to the model; that is the caller's business. Field numbers are those of `onnx.proto`.
public struct ONNXAddition: Sendable {
  /// A float tensor.
  public struct Weight: Sendable {
    public var name: String
    public var dimensions: [Int]
    public var elements: [Float]

    /// - Precondition: as many elements as the dimensions say.
    public init(name: String, dimensions: [Int], elements: [Float]) {
      precondition(dimensions.reduce(1, *) == elements.count, "\(elements.count) elements for \(dimensions)")
      self.name = name
      self.dimensions = dimensions
      self.elements = elements
    }
  }

  public var nodes: [ONNXNode] = []
  public var weights: [Weight] = []
  public var outputs: [ONNXValue] = []
  public var metadata: [ONNXStringEntry] = []

  public init() {}

  /// The model in `source` with this addition, piece after piece.
  ///
  /// - Parameter write: called with consecutive pieces; they are valid during the call only. The model's own bytes come
  ///   straight from `source`.
  /// - Throws: ``WireError`` when `source` is no model with one graph, and what `write` throws.
  public func append(to source: some ByteOwner, write: (UnsafeRawBufferPointer) throws -> Void) throws {
    try source.withUnsafeBytes { bytes in
      var reader = ProtobufReader(bytes, range: 0..<bytes.count)
      var graph: (field: Range<Int>, content: Range<Int>)?
      while !reader.isAtEnd {
        let start = reader.position
        let (number, type) = try reader.readTag()
        let value = try reader.skip(type)
        guard number == Field.graph else { continue }
        guard type == .lengthDelimited, graph == nil else {
          throw WireError.malformed(byteOffset: start, expected: "one graph in ModelProto", got: "another")
        }
        graph = (start..<reader.position, value)
      }
      guard let graph else {
        throw WireError.malformed(byteOffset: 0, expected: "a graph in ModelProto", got: "none")
      }
      let more = graphFields
      var head = ProtobufWriter()
      head.append(varint: UInt64(Field.graph) << 3 | UInt64(WireType.lengthDelimited.rawValue))
      head.append(varint: UInt64(graph.content.count + more.count))
      try write(UnsafeRawBufferPointer(rebasing: bytes[..<graph.field.lowerBound]))
      try head.bytes.withUnsafeBytes(write)
      try write(UnsafeRawBufferPointer(rebasing: bytes[graph.content]))
      try more.withUnsafeBytes(write)
      try write(UnsafeRawBufferPointer(rebasing: bytes[graph.field.upperBound...]))
      try modelFields.withUnsafeBytes(write)
    }
  }

  // MARK: Encoding

  private enum Field {
    static let graph: UInt32 = 7
    static let metadata: UInt32 = 14
  }

  /// Fields of `GraphProto`.
  private var graphFields: [UInt8] {
    var writer = ProtobufWriter()
    for node in nodes { writer.append(field: 1) { Self.write(node, to: &$0) } }
    for weight in weights { writer.append(field: 5) { Self.write(weight, to: &$0) } }
    for output in outputs { writer.append(field: 12) { Self.write(output, to: &$0) } }
    return writer.bytes
  }

  /// Fields of `ModelProto`.
  private var modelFields: [UInt8] {
    var writer = ProtobufWriter()
    for entry in metadata {
      writer.append(field: Field.metadata) {
        $0.append(field: 1, string: entry.key)
        $0.append(field: 2, string: entry.value)
      }
    }
    return writer.bytes
  }

  private static func write(_ node: ONNXNode, to writer: inout ProtobufWriter) {
    for input in node.inputs { writer.append(field: 1, string: input) }
    for output in node.outputs { writer.append(field: 2, string: output) }
    writer.append(field: 3, string: node.name)
    writer.append(field: 4, string: node.op)
    for attribute in node.attributes { writer.append(field: 5) { write(attribute, to: &$0) } }
    if !node.domain.isEmpty { writer.append(field: 7, string: node.domain) }
  }

  /// Numbers and text; of tensors there is no need.
  private static func write(_ attribute: ONNXAttribute, to writer: inout ProtobufWriter) {
    writer.append(field: 1, string: attribute.name)
    if let float = attribute.float { writer.append(field: 2, fixed32: float.bitPattern) }
    if let int = attribute.int { writer.append(field: 3, varint: UInt64(bitPattern: int)) }
    if let string = attribute.string { writer.append(field: 4, bytes: string) }
    for float in attribute.floats { writer.append(field: 7, fixed32: float.bitPattern) }
    for int in attribute.ints { writer.append(field: 8, varint: UInt64(bitPattern: int)) }
    writer.append(field: 20, varint: UInt64(attribute.type))
  }

  private static func write(_ weight: Weight, to writer: inout ProtobufWriter) {
    for extent in weight.dimensions { writer.append(field: 1, varint: UInt64(extent)) }
    writer.append(field: 2, varint: 1)  // FLOAT
    writer.append(field: 8, string: weight.name)
    let raw = weight.elements.flatMap { element in withUnsafeBytes(of: element.bitPattern.littleEndian) { Array($0) } }
    writer.append(field: 9, bytes: raw)
  }

  private static func write(_ value: ONNXValue, to writer: inout ProtobufWriter) {
    writer.append(field: 1, string: value.name)
    guard let tensor = value.tensorType else { return }
    writer.append(field: 2) { type in
      type.append(field: 1) { tensorType in
        tensorType.append(field: 1, varint: UInt64(tensor.elementType))
        guard let dimensions = tensor.dimensions else { return }
        tensorType.append(field: 2) { shape in
          for dimension in dimensions {
            shape.append(field: 1) {
              if let extent = dimension.extent { $0.append(field: 1, varint: UInt64(extent)) }
              if let parameter = dimension.parameter { $0.append(field: 2, string: parameter) }
            }
          }
        }
      }
    }
  }
}

extension ONNXAttribute {
  /// `AttributeProto.AttributeType`.
  private enum Kind: Int32 { case float = 1, int = 2, string = 3, floats = 6, ints = 7 }

  private init(name: String, kind: Kind) {
    self.init(
      name: name, type: kind.rawValue, reference: "", float: nil, int: nil, string: nil, tensor: nil, floats: [],
      ints: [], strings: [], tensors: [])
  }

  public static func int(_ name: String, _ value: Int) -> ONNXAttribute {
    var attribute = ONNXAttribute(name: name, kind: .int)
    attribute.int = Int64(value)
    return attribute
  }

  public static func ints(_ name: String, _ values: [Int]) -> ONNXAttribute {
    var attribute = ONNXAttribute(name: name, kind: .ints)
    attribute.ints = values.map { Int64($0) }
    return attribute
  }

  public static func float(_ name: String, _ value: Float) -> ONNXAttribute {
    var attribute = ONNXAttribute(name: name, kind: .float)
    attribute.float = value
    return attribute
  }

  public static func floats(_ name: String, _ values: [Float]) -> ONNXAttribute {
    var attribute = ONNXAttribute(name: name, kind: .floats)
    attribute.floats = values
    return attribute
  }

  public static func string(_ name: String, _ value: String) -> ONNXAttribute {
    var attribute = ONNXAttribute(name: name, kind: .string)
    attribute.string = Array(value.utf8)
    return attribute
  }
}
