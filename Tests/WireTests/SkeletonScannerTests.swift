import Testing

@testable import Wire

@Suite("The skeleton scanner")
struct SkeletonScannerTests {
  /// A `TensorProto` written field by field.
  private func tensor(_ fields: (inout ProtobufWriter) -> Void) throws -> ONNXTensor {
    var writer = ProtobufWriter()
    fields(&writer)
    return try ONNXTensor(reading: OwnedBytes(copying: writer.bytes))
  }

  private func model(_ fields: (inout ProtobufWriter) -> Void) throws -> ONNXModel {
    var writer = ProtobufWriter()
    fields(&writer)
    return try ONNXModel(reading: OwnedBytes(copying: writer.bytes))
  }

  private func skeletonSize(_ bytes: [UInt8], as schema: MessageSchema) throws -> Int {
    try bytes.withUnsafeBytes { try SkeletonScanner.skeleton(of: $0, as: schema).count }
  }

  @Test("leaves raw data where it is")
  func rawData() throws {
    let payload = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
    var writer = ProtobufWriter()
    writer.append(field: 1, varint: 10_000)
    writer.append(field: 9, bytes: payload)
    writer.append(field: 8, string: "w")
    #expect(try skeletonSize(writer.bytes, as: .tensor) < 40)
    let source = OwnedBytes(copying: writer.bytes)
    let tensor = try ONNXTensor(reading: source)
    #expect(tensor.name == "w")
    #expect(tensor.dimensions == [10_000])
    guard case .raw(let range)? = tensor.payloads.first else {
      Issue.record("expected raw data, got \(tensor.payloads)")
      return
    }
    #expect(source.withUnsafeBytes { Array($0[range]) } == payload)
  }

  @Test("leaves packed numbers of each type where they are", arguments: [4, 5, 7, 10, 11] as [UInt32])
  func packed(field: UInt32) throws {
    let tensor = try tensor { $0.append(field: field, bytes: [UInt8](repeating: 1, count: 16)) }
    let form: ONNXPayload = tensor.payloads[0]
    switch (field, form) {
    case (4, .floats(let range)), (5, .packedInt32s(let range)), (7, .packedInt64s(let range)),
      (10, .doubles(let range)), (11, .packedUInt64s(let range)):
      #expect(range == 2..<18)
    default: Issue.record("field \(field) became \(form)")
    }
  }

  @Test("drops borrowed places that the file itself claims")
  func forgedPlaces() throws {
    let tensor = try tensor { writer in
      writer.append(field: 536_870_001) {
        $0.append(field: 1, varint: 9)
        $0.append(field: 2, varint: 0)
        $0.append(field: 3, varint: UInt64(Int64.max))
      }
      writer.append(field: 8, string: "forged")
    }
    #expect(tensor.name == "forged")
    #expect(tensor.payloads.isEmpty)
  }

  @Test("reads numbers that are not packed")
  func unpacked() throws {
    let tensor = try tensor { writer in
      writer.append(field: 4, fixed32: Float(1.5).bitPattern)
      writer.append(field: 4, fixed32: Float(-2).bitPattern)
    }
    guard case .loose(.floats(let floats))? = tensor.payloads.first else {
      Issue.record("expected loose floats, got \(tensor.payloads)")
      return
    }
    #expect(floats == [1.5, -2])
  }

  @Test("refuses what is of another type than the format says")
  func wireTypes() {
    let messages: [(inout ProtobufWriter) -> Void] = [
      { $0.append(field: 8, varint: 1) },  // name
      { $0.append(field: 2, bytes: [1]) },  // data_type
      { $0.append(field: 9, varint: 1) },  // raw_data
      { $0.append(field: 9, fixed32: 1) },
      { $0.append(field: 4, bytes: [1, 2, 3]) },  // float_data
      { $0.append(field: 10, bytes: [1, 2, 3, 4]) },  // double_data
      { $0.append(field: 1, bytes: [0x80]) },  // dims
      { $0.append(field: 3, bytes: []) },  // segment
      { $0.append(field: 13, varint: 1) },  // external_data
    ]
    for message in messages { #expect(throws: WireError.self) { try tensor(message) } }
  }

  @Test("refuses text with NUL bytes and text that is not UTF-8")
  func text() {
    #expect(throws: WireError.self) { try tensor { $0.append(field: 8, bytes: [0x61, 0x00, 0x62]) } }
    #expect(throws: WireError.self) { try tensor { $0.append(field: 8, bytes: [0xFF, 0xFE]) } }
  }

  @Test("refuses a second value of a message that can be there once")
  func twoGraphs() {
    let error = WireError.malformed(byteOffset: 2, expected: "one value for ModelProto.graph", got: "a second one")
    #expect(throws: error) {
      try model {
        $0.append(field: 7, bytes: [])
        $0.append(field: 7, bytes: [])
      }
    }
  }

  @Test("names the byte of the file at which a nested message is wrong")
  func nestedOffset() {
    // graph (2 bytes of header) { node (2 bytes) { op_type: cut off } }
    let error = WireError.malformed(
      byteOffset: 5, expected: "a length of at most the 1 bytes left in the message", got: "9")
    #expect(throws: error) { try model { $0.append(raw: [0x3A, 0x05, 0x0A, 0x03, 0x22, 0x09, 0x41]) } }
  }

  @Test("skips subgraphs, however deep they are nested")
  func deepNesting() throws {
    var nested: [UInt8] = []
    for _ in 0..<2000 {
      var attribute = ProtobufWriter()
      attribute.append(field: 6, bytes: nested)
      var node = ProtobufWriter()
      node.append(field: 5, bytes: attribute.bytes)
      var graph = ProtobufWriter()
      graph.append(field: 1, bytes: node.bytes)
      nested = graph.bytes
    }
    let model = try model { $0.append(field: 7, bytes: nested) }
    #expect(model.graph?.nodes.first?.attributes.count == 1)
  }

  @Test("refuses more numbers than we are ready to hold")
  func fieldLimit() {
    let ones = [UInt8](repeating: 1, count: WireLimits.fields + 1)
    let error = WireError.tooLarge(byteOffset: 0, what: "fields", limit: WireLimits.fields)
    #expect(throws: error) { try tensor { $0.append(field: 1, bytes: ones) } }
  }

  @Test("refuses more messages than we are ready to hold")
  func messageLimit() {
    // Nodes that are empty messages of two bytes each.
    let count = WireLimits.messages + 1
    let nodes = [UInt8](unsafeUninitializedCapacity: 2 * count) { buffer, initialized in
      for index in 0..<count {
        buffer[2 * index] = 0x0A
        buffer[2 * index + 1] = 0
      }
      initialized = 2 * count
    }
    #expect(throws: WireError.self) { try model { $0.append(field: 7, bytes: nodes) } }
  }
}
