import Testing

@testable import Wire

/// What TensorFlow 2.21's own `Tensor::FromProto` makes of the same messages.
@Suite("A tensor message")
struct TensorMessageTests {
  private typealias Fields = (inout ProtobufWriter) -> Void

  /// A `TensorProto` of a type and extents (nil: no shape at all) and whatever else is written.
  private func message(_ type: TensorFlowType, _ extents: [Int64]?, _ fields: Fields = { _ in }) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.append(field: 1, varint: UInt64(type.rawValue))
    if let extents {
      writer.append(field: 2) { shape in
        for extent in extents { shape.append(field: 2) { $0.append(field: 1, varint: UInt64(bitPattern: extent)) } }
      }
    }
    fields(&writer)
    return writer.bytes
  }

  private func elements(_ bytes: [UInt8]) throws -> (shape: [Int], bytes: [UInt8], isInPlace: Bool) {
    try bytes.withUnsafeBytes { bytes in
      var tensor = TensorMessage()
      try tensor.merge(bytes, range: 0..<bytes.count)
      switch try tensor.elements(in: bytes) {
      case .inPlace(let range): return (try tensor.shape(), Array(bytes[range]), true)
      case .packed(let byteCount):
        var memory = [UInt8](repeating: 0, count: byteCount)
        try memory.withUnsafeMutableBytes { try tensor.unpack(bytes, into: $0) }
        return (try tensor.shape(), memory, false)
      }
    }
  }

  private func values<Element: BitwiseCopyable>(_: Element.Type, _ bytes: [UInt8]) throws -> [Element] {
    let elements = try elements(bytes).bytes
    return elements.withUnsafeBytes { memory in
      (0..<memory.count / MemoryLayout<Element>.size).map {
        memory.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.size, as: Element.self)
      }
    }
  }

  private func raw<Element: BitwiseCopyable>(_ values: [Element]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  private func packed(_ values: [Int64]) -> [UInt8] {
    var writer = ProtobufWriter()
    for value in values { writer.append(varint: UInt64(bitPattern: value)) }
    return writer.bytes
  }

  @Test("repeats the last value where values are missing, and ignores those that are too many")
  func partialValues() throws {
    let sent: [([Float], [Float])] = [
      ([7], [7, 7, 7, 7]), ([1, 2], [1, 2, 2, 2]), ([], [0, 0, 0, 0]), ([1, 2, 3, 4], [1, 2, 3, 4]),
      ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4]),
    ]
    for (values, expected) in sent {
      let packed = message(.float, [2, 2]) { $0.append(field: 5, bytes: raw(values)) }
      #expect(try self.values(Float.self, packed) == expected)
      let loose = message(.float, [2, 2]) { for value in values { $0.append(field: 5, fixed32: value.bitPattern) } }
      #expect(try self.values(Float.self, loose) == expected)
    }
  }

  @Test("reads packed floats and content where they are")
  func inPlace() throws {
    let floats: [Float] = [1, -2, .infinity]
    for field: UInt32 in [4, 5] {
      let elements = try elements(message(.float, [3]) { $0.append(field: field, bytes: raw(floats)) })
      #expect(elements.isInPlace)
      #expect(elements.bytes == raw(floats))
    }
  }

  @Test("prefers content to values, and ignores values of another type")
  func precedence() throws {
    let both = message(.float, [1]) {
      $0.append(field: 5, bytes: raw([Float(2)]))
      $0.append(field: 4, bytes: raw([Float(1)]))
    }
    #expect(try values(Float.self, both) == [1])
    let wrong = message(.float, [2]) { $0.append(field: 7, bytes: packed([3, 4])) }
    #expect(try values(Float.self, wrong) == [0, 0])
  }

  @Test("cuts integers to their width, and reads negative ones")
  func integers() throws {
    let sent = packed([300, -1, 5])
    #expect(try values(Int8.self, message(.int8, [3]) { $0.append(field: 7, bytes: sent) }) == [44, -1, 5])
    #expect(try values(UInt16.self, message(.uint16, [3]) { $0.append(field: 7, bytes: sent) }) == [300, 65535, 5])
    #expect(try values(Int32.self, message(.int32, [3]) { $0.append(field: 7, bytes: sent) }) == [300, -1, 5])
    #expect(try values(Int64.self, message(.int64, [3]) { $0.append(field: 10, bytes: sent) }) == [300, -1, 5])
    #expect(try values(UInt32.self, message(.uint32, [3]) { $0.append(field: 16, bytes: sent) }) == [300, .max, 5])
    #expect(try values(UInt64.self, message(.uint64, [3]) { $0.append(field: 17, bytes: sent) }) == [300, .max, 5])
    #expect(
      try values(Bool.self, message(.bool, [3]) { $0.append(field: 11, bytes: packed([0, 2, 1])) }) == [
        false, true, true,
      ])
    #expect(
      try values(UInt16.self, message(.half, [2]) { $0.append(field: 13, bytes: packed([15360])) }) == [15360, 15360])
    #expect(
      try values(Double.self, message(.double, [2]) { $0.append(field: 6, bytes: raw([0.5])) }) == [0.5, 0.5])
  }

  @Test("repeats the last pair of complex numbers")
  func complex() throws {
    let sent = message(.complex64, [3]) { $0.append(field: 9, bytes: raw([1, 2, 3, 4] as [Float])) }
    #expect(try values(Float.self, sent) == [1, 2, 3, 4, 3, 4])
  }

  @Test("takes an absent or unknown shape for a scalar's, and an extent of zero for no elements")
  func shapes() throws {
    let absent = try elements(message(.float, nil) { $0.append(field: 5, bytes: raw([Float(2)])) })
    #expect(absent.shape == [] && absent.bytes == raw([Float(2)]))
    let unknown = try elements(
      message(.float, nil) { writer in
        writer.append(field: 2) { $0.append(field: 3, varint: 1) }
        writer.append(field: 5, bytes: raw([Float(2)]))
      })
    #expect(unknown.shape == [] && unknown.bytes == raw([Float(2)]))
    let empty = try elements(message(.float, [0, 3]) { $0.append(field: 5, bytes: raw([Float(2)])) })
    #expect(empty.shape == [0, 3] && empty.bytes.isEmpty)
  }

  @Test("refuses content of the wrong length, booleans that are neither 0 nor 1, and shapes that are none")
  func refusals() {
    let messages = [
      message(.float, [2]) { $0.append(field: 4, bytes: [0, 0, 0, 0]) },
      message(.float, [1]) { $0.append(field: 4, bytes: [UInt8](repeating: 0, count: 8)) },
      message(.bool, [2]) { $0.append(field: 4, bytes: [1, 2]) },
      message(.float, [-1]) { $0.append(field: 5, bytes: raw([Float(1)])) },
      message(.float, [1 << 40, 1 << 40]),
      message(.float, [1 << 61]),
      message(.float, [Int64](repeating: 1, count: 255)),
      message(TensorFlowType(rawValue: 0), [1]),
      message(TensorFlowType(rawValue: 101), [1]) { $0.append(field: 5, bytes: raw([Float(1)])) },
      message(.string, [1]) { $0.append(field: 8, string: "x") },
      message(.float, [1]) { $0.append(field: 5, bytes: [1, 2, 3]) },
      message(.int32, [1]) { $0.append(field: 7, bytes: [0x80]) },
    ]
    for (index, message) in messages.enumerated() {
      #expect(throws: WireError.self, "message \(index)") { try elements(message) }
    }
  }

  @Test("does not let a few bytes become gigabytes")
  func expansion() {
    let bomb = message(.float, [1 << 28]) { $0.append(field: 5, bytes: raw([Float(1)])) }
    #expect(throws: WireError.self) { try elements(bomb) }
  }

  @Test("never reads outside of a damaged message, and never crashes on one")
  func damaged() {
    var random = SystemlessGenerator(seed: 7)
    let whole = message(.int64, [2, 3]) {
      $0.append(field: 10, bytes: packed([1, 2, 300, 4_000_000, -5]))
      $0.append(field: 8, string: "text")
      $0.append(field: 5, fixed32: 1)
    }
    for _ in 0..<20_000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes.remove(at: Int.random(in: 0..<bytes.count, using: &random))
        case 1: bytes.insert(.random(in: 0...255, using: &random), at: .random(in: 0...bytes.count, using: &random))
        default: bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
        }
      }
      guard let elements = try? elements(bytes) else { continue }
      #expect(elements.bytes.count % max(1, elements.shape.reduce(1, *)) == 0)
    }
  }
}

/// Deterministic random numbers (SplitMix64).
struct SystemlessGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
