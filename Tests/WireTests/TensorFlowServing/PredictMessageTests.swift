import Testing

@testable import Wire

@Suite("Predict messages")
struct PredictMessageTests {
  private static let everyType: [TensorFlowType] = [
    .float, .double, .int32, .uint8, .int16, .int8, .int64, .bool, .uint16, .half, .bfloat16, .uint32, .uint64,
  ]

  /// A tensor of two rows of three elements, whose bytes are all different where the type allows it.
  private func value(_ type: TensorFlowType, shape: [Int] = [2, 3]) throws -> TensorValue {
    let count = shape.reduce(try #require(type.byteWidth), *)
    let bytes = (0..<count).map { type == .bool ? UInt8($0 % 2) : UInt8(truncatingIfNeeded: 255 - $0) }
    return TensorValue(type: type, shape: shape, elements: OwnedBytes(copying: bytes))
  }

  private func elements(_ tensor: TensorMessage, in bytes: UnsafeRawBufferPointer) throws -> [UInt8] {
    switch try tensor.elements(in: bytes) {
    case .inPlace(let range): return Array(bytes[range])
    case .packed(let byteCount):
      var memory = [UInt8](repeating: 0, count: byteCount)
      try memory.withUnsafeMutableBytes { try tensor.unpack(bytes, into: $0) }
      return memory
    }
  }

  @Test("hold every type in both encodings", arguments: [TensorEncoding.typedValues, .content])
  func roundTrip(encoding: TensorEncoding) throws {
    for type in Self.everyType {
      let sent = try value(type)
      let pieces = PredictResponseMessage.encoded(
        modelSpec: ModelSpec(name: "m", version: .number(3), signatureName: "s"),
        outputs: [("y", sent), ("scalar", try value(type, shape: []))], encoding: encoding)
      try pieces.bytes.withUnsafeBytes { bytes in
        let received = try PredictResponseMessage(reading: bytes)
        #expect(received.modelSpec == ModelSpec(name: "m", version: .number(3), signatureName: "s"))
        #expect(received.outputs.names == ["y", "scalar"])
        let tensor = try #require(received.outputs["y"])
        #expect(tensor.type == type)
        #expect(try tensor.shape() == [2, 3])
        #expect(try elements(tensor, in: bytes) == sent.elements.withUnsafeBytes { Array($0) }, "\(type.name)")
        #expect(try received.outputs["scalar"]?.shape() == [])
      }
    }
  }

  @Test("are written with typed values unless content is asked for")
  func fields() throws {
    let typed = PredictResponseMessage.encoded(modelSpec: ModelSpec(name: "m"), outputs: [("y", try value(.float))])
    try typed.bytes.withUnsafeBytes { bytes in
      let tensor = try #require(try PredictResponseMessage(reading: bytes).outputs["y"])
      #expect(tensor.content == nil)
      #expect(tensor.runs.map(\.field) == [5])
    }
  }

  @Test("borrow large elements instead of copying them")
  func borrowed() throws {
    for encoding in [TensorEncoding.typedValues, .content] {
      let owner = OwnedBytes(copying: [UInt8](repeating: 1, count: 4096))
      let pieces = PredictResponseMessage.encoded(
        modelSpec: ModelSpec(name: "m"),
        outputs: [("y", TensorValue(type: .float, shape: [1024], elements: owner))], encoding: encoding)
      let borrowed = pieces.pieces.compactMap { piece in
        if case .borrowed(let owner, let range) = piece { (owner, range) } else { nil }
      }
      #expect(borrowed.count == 1)
      #expect(borrowed.first?.0 === owner && borrowed.first?.1 == 0..<4096)
      #expect(pieces.bytes.count == pieces.byteCount)
    }
  }

  @Test("are read: model, version, label, filter, unknown fields, and the last of two inputs of one name")
  func request() throws {
    var writer = ProtobufWriter()
    writer.append(field: 1) { spec in
      spec.append(field: 1, string: "half_plus_two")
      spec.append(field: 2) { _ in }
      spec.append(field: 3, string: "sig")
    }
    for value in [1, 2] as [Float] {
      writer.append(field: 2) { entry in
        entry.append(field: 1, string: "x")
        entry.append(field: 2) { tensor in
          tensor.append(field: 1, varint: 1)
          tensor.append(field: 5, fixed32: value.bitPattern)
        }
      }
    }
    writer.append(field: 3, string: "y")
    writer.append(field: 6, bytes: [1, 2, 3])
    writer.append(field: 99, fixed32: 1)
    try writer.bytes.withUnsafeBytes { bytes in
      let request = try PredictRequestMessage(reading: bytes)
      #expect(request.modelSpec == ModelSpec(name: "half_plus_two", version: .number(0), signatureName: "sig"))
      #expect(request.outputFilter == ["y"])
      #expect(request.inputs.names == ["x"])
      #expect(try elements(try #require(request.inputs["x"]), in: bytes) == [0, 0, 0, 64])
    }
    let empty = try PredictRequestMessage(reading: UnsafeRawBufferPointer(start: nil, count: 0))
    #expect(empty.modelSpec == nil && empty.inputs.count == 0)
  }

  @Test("tell which model they are about before anything else is read")
  func firstModelSpec() throws {
    let request = PredictRequestMessage.encoded(
      modelSpec: ModelSpec(name: "m", version: .label("stable")), inputs: [("x", try value(.float))]
    ).bytes
    let spec = try request.withUnsafeBytes { try ModelSpec(firstIn: $0, inside: 1) }
    #expect(spec == ModelSpec(name: "m", version: .label("stable")))
    var tasks = ProtobufWriter()
    tasks.append(field: 2, string: "an input before the tasks")
    tasks.append(field: 1) { $0.append(field: 1) { $0.append(field: 1, string: "inner") } }
    let inner = try tasks.bytes.withUnsafeBytes { try ModelSpec(firstIn: $0, inside: 2) }
    #expect(inner?.name == "inner")
    var inputOnly = ProtobufWriter()
    inputOnly.append(field: 2, string: "an input without tasks")
    let none = try inputOnly.bytes.withUnsafeBytes { try ModelSpec(firstIn: $0, inside: 2) }
    #expect(none == nil)
  }

  @Test("find each of many inputs by its name")
  func manyInputs() throws {
    let scalar = try value(.float, shape: [])
    let request = PredictRequestMessage.encoded(
      modelSpec: ModelSpec(name: "m"), inputs: ((0..<40).map { "\($0)" } + ["7", "39"]).map { ($0, scalar) }
    ).bytes
    let inputs = try request.withUnsafeBytes { try PredictRequestMessage(reading: $0).inputs }
    #expect(inputs.names == (0..<40).map { "\($0)" })
    #expect(inputs["39"] != nil && inputs["40"] == nil)
  }

  @Test("are refused when a name is not UTF-8 or there are too many inputs")
  func refusals() {
    var wrongText = ProtobufWriter()
    wrongText.append(field: 3, bytes: [0xFF])
    #expect(throws: WireError.self) { try wrongText.bytes.withUnsafeBytes { try PredictRequestMessage(reading: $0) } }
    var many = ProtobufWriter()
    for index in 0...WireLimits.mapEntries { many.append(field: 2) { $0.append(field: 1, string: "\(index)") } }
    #expect(throws: WireError.self) { try many.bytes.withUnsafeBytes { try PredictRequestMessage(reading: $0) } }
  }

  @Test("do not follow tensors into tensors, however deep")
  func nesting() throws {
    var nested: [UInt8] = []
    for _ in 0..<5000 {
      var variant = ProtobufWriter()
      variant.append(field: 3, bytes: nested)
      var tensor = ProtobufWriter()
      tensor.append(field: 15, bytes: variant.bytes)
      nested = tensor.bytes
    }
    var writer = ProtobufWriter()
    writer.append(field: 2) { $0.append(field: 2, bytes: nested) }
    let request = try writer.bytes.withUnsafeBytes { try PredictRequestMessage(reading: $0) }
    #expect(request.inputs.count == 1)
  }

  @Test("never make the reader crash, however they are damaged")
  func damaged() throws {
    var random = SystemlessGenerator(seed: 11)
    let whole = PredictRequestMessage.encoded(
      modelSpec: ModelSpec(name: "model", version: .label("stable"), signatureName: "s"),
      inputs: [("a", try value(.float)), ("b", try value(.int64))], outputFilter: ["y"], encoding: .typedValues
    ).bytes
    for _ in 0..<20_000 {
      var bytes = whole
      bytes.removeLast(Int.random(in: 0..<4, using: &random))
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
      }
      bytes.withUnsafeBytes { bytes in
        guard let request = try? PredictRequestMessage(reading: bytes) else { return }
        for tensor in request.inputs.tensors { _ = try? elements(tensor, in: bytes) }
      }
    }
  }
}
