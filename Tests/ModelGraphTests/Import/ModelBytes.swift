import Wire

/// Writes ONNX files for tests, field by field, right and wrong ones.
enum ModelBytes {
  static func message(_ fields: (inout ProtobufWriter) -> Void) -> [UInt8] {
    var writer = ProtobufWriter()
    fields(&writer)
    return writer.bytes
  }

  /// A `ModelProto` around the fields of a `GraphProto`.
  static func model(
    ir: UInt64? = 8, opsets: [(domain: String, version: UInt64)] = [("", 17)],
    graph: (inout ProtobufWriter) -> Void
  ) -> [UInt8] {
    message { writer in
      if let ir { writer.append(field: 1, varint: ir) }
      for opset in opsets {
        writer.append(field: 8) {
          if !opset.domain.isEmpty { $0.append(field: 1, string: opset.domain) }
          $0.append(field: 2, varint: opset.version)
        }
      }
      writer.append(field: 7, message: graph)
    }
  }

  static func node(
    _ op: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
    attributes: [[UInt8]] = []
  ) -> [UInt8] {
    message { writer in
      for input in inputs { writer.append(field: 1, string: input) }
      for output in outputs { writer.append(field: 2, string: output) }
      if !name.isEmpty { writer.append(field: 3, string: name) }
      writer.append(field: 4, string: op)
      for attribute in attributes { writer.append(field: 5, bytes: attribute) }
      if !domain.isEmpty { writer.append(field: 7, string: domain) }
    }
  }

  static func attribute(_ name: String, type: UInt64, _ value: (inout ProtobufWriter) -> Void) -> [UInt8] {
    message { writer in
      writer.append(field: 1, string: name)
      if type > 0 { writer.append(field: 20, varint: type) }
      value(&writer)
    }
  }

  /// `type` is a code of `TensorProto.DataType`; 1 is float32.
  static func tensor(
    _ name: String, type: UInt64 = 1, dims: [Int64], _ payload: (inout ProtobufWriter) -> Void
  ) -> [UInt8] {
    message { writer in
      for extent in dims { writer.append(field: 1, varint: UInt64(bitPattern: extent)) }
      writer.append(field: 2, varint: type)
      writer.append(field: 8, string: name)
      payload(&writer)
    }
  }

  static func tensor(_ name: String, _ floats: [Float], dims: [Int64]) -> [UInt8] {
    tensor(name, dims: dims) { $0.append(field: 9, bytes: floats.flatMap { littleEndian($0.bitPattern) }) }
  }

  enum Extent: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    case fixed(Int64)
    case named(String)
    case unknown
    init(integerLiteral value: Int64) { self = .fixed(value) }
    init(stringLiteral value: String) { self = .named(value) }
  }

  /// A `ValueInfoProto`; `dims` of `nil` leave even the rank open.
  static func value(_ name: String, type: UInt64 = 1, dims: [Extent]?) -> [UInt8] {
    message { writer in
      writer.append(field: 1, string: name)
      writer.append(field: 2) {
        $0.append(field: 1) { tensor in
          tensor.append(field: 1, varint: type)
          guard let dims else { return }
          tensor.append(field: 2) { shape in for extent in dims { shape.append(field: 1) { append(extent, to: &$0) } } }
        }
      }
    }
  }

  private static func append(_ extent: Extent, to writer: inout ProtobufWriter) {
    switch extent {
    case .fixed(let extent): writer.append(field: 1, varint: UInt64(bitPattern: extent))
    case .named(let name): writer.append(field: 2, string: name)
    case .unknown: break
    }
  }

  static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}

extension ProtobufWriter {
  mutating func node(
    _ op: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
    attributes: [[UInt8]] = []
  ) {
    append(
      field: 1,
      bytes: ModelBytes.node(op, inputs, outputs, name: name, domain: domain, attributes: attributes))
  }

  mutating func initializer(_ tensor: [UInt8]) { append(field: 5, bytes: tensor) }

  mutating func input(_ name: String, type: UInt64 = 1, dims: [ModelBytes.Extent]? = ["N", 4]) {
    append(field: 11, bytes: ModelBytes.value(name, type: type, dims: dims))
  }

  mutating func output(_ name: String, type: UInt64 = 1, dims: [ModelBytes.Extent]? = nil) {
    append(field: 12, bytes: ModelBytes.value(name, type: type, dims: dims))
  }

  mutating func value(_ name: String, type: UInt64 = 1, dims: [ModelBytes.Extent]?) {
    append(field: 13, bytes: ModelBytes.value(name, type: type, dims: dims))
  }
}
