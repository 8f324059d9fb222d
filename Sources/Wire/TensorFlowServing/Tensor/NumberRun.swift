/// Numbers of one repeated field that stand one after the other in a message, in place.
struct NumberRun: Hashable, Sendable {
  enum Form: Hashable, Sendable {
    /// Elements and nothing else.
    case packed
    /// A tag before each element.
    case loose
  }

  let field: UInt32
  let form: Form
  var range: Range<Int>
}

extension [NumberRun] {
  /// Takes note of one occurrence of a repeated field of numbers: `type` and `value` as the reader found them, `start`
  /// where its tag begins. Loose neighbours become one run, so that a message cannot grow in memory.
  ///
  /// - Returns: whether it was one: an occurrence of another wire type is an unknown field.
  mutating func append(
    field: UInt32, elementType: WireType, type: WireType, start: Int, value: Range<Int>
  ) throws(WireError) -> Bool {
    if type == .lengthDelimited {
      let width = elementType == .fixed64 ? 8 : elementType == .fixed32 ? 4 : 1
      guard value.count % width == 0 else {
        throw .malformed(
          byteOffset: start, expected: "a multiple of \(width) bytes of packed numbers", got: "\(value.count)")
      }
      if !value.isEmpty { append(NumberRun(field: field, form: .packed, range: value)) }
      return true
    }
    guard type == elementType else { return false }
    if let last, last.field == field, last.form == .loose, last.range.upperBound == start {
      self[count - 1].range = last.range.lowerBound..<value.upperBound
    } else {
      append(NumberRun(field: field, form: .loose, range: start..<value.upperBound))
    }
    return true
  }

  /// Calls `body` with the numbers of `field`, as many as it wants: it returns whether there should be more. Floating
  /// point numbers come as their bit patterns.
  func forEach(
    _ field: UInt32, as elementType: WireType, in bytes: UnsafeRawBufferPointer, _ body: (UInt64) -> Bool
  ) throws(WireError) {
    for run in self where run.field == field {
      var reader = ProtobufReader(bytes, range: run.range)
      while !reader.isAtEnd {
        if run.form == .loose { _ = try reader.readTag() }
        let number: UInt64
        switch elementType {
        case .varint: number = try reader.readVarint()
        case .fixed32:
          let place = try reader.readFixed(byteCount: 4)
          number = UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place.lowerBound, as: UInt32.self)))
        case .fixed64:
          let place = try reader.readFixed(byteCount: 8)
          number = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place.lowerBound, as: UInt64.self))
        case .lengthDelimited: preconditionFailure("\(field) is no field of numbers")
        }
        guard body(number) else { return }
      }
    }
  }
}
