/// A `Feature` inside a message: of which kind, and where its values are.
struct FeatureMessage: Sendable {
  private enum Kind: UInt32 { case bytes = 1, floats = 2, integers = 3 }

  private var kind: Kind?
  private var runs: [NumberRun] = []
  private var byteValues: [Range<Int>] = []

  mutating func merge(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range)
    while !reader.isAtEnd {
      let (field, type) = try reader.readTag()
      let value = try reader.skip(type)
      guard type == .lengthDelimited, let kind = Kind(rawValue: field) else { continue }
      // The lists are a oneof: one of another kind replaces what was there, one of the same is merged with it.
      if self.kind != kind {
        self.kind = kind
        runs = []
        byteValues = []
      }
      try mergeList(bytes, range: value, kind: kind)
    }
  }

  private mutating func mergeList(
    _ bytes: UnsafeRawBufferPointer, range: Range<Int>, kind: Kind
  ) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range)
    while !reader.isAtEnd {
      let start = reader.position
      let (field, type) = try reader.readTag()
      let value = try reader.skip(type)
      guard field == 1 else { continue }
      switch kind {
      case .bytes: if type == .lengthDelimited { byteValues.append(value) }
      case .floats: _ = try runs.append(field: 1, elementType: .fixed32, type: type, start: start, value: value)
      case .integers: _ = try runs.append(field: 1, elementType: .varint, type: type, start: start, value: value)
      }
    }
  }

  /// The values; nil when the feature has no list. O(n).
  func values(in bytes: UnsafeRawBufferPointer) throws(WireError) -> ExampleFeature? {
    switch kind {
    case nil: return nil
    case .bytes: return .bytes(byteValues.map { Array(bytes[$0]) })
    case .floats:
      var floats: [Float] = []
      try runs.forEach(1, as: .fixed32, in: bytes) { number in
        floats.append(Float(bitPattern: UInt32(truncatingIfNeeded: number)))
        return true
      }
      return .floats(floats)
    case .integers:
      var integers: [Int64] = []
      try runs.forEach(1, as: .varint, in: bytes) { number in
        integers.append(Int64(bitPattern: number))
        return true
      }
      return .integers(integers)
    }
  }
}
