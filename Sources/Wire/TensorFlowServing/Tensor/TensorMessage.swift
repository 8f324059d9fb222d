/// A `TensorProto` inside a message: what its small fields say, and where the elements are. Nothing of the elements is
/// copied; whoever uses it brings the bytes of the message again.
public struct TensorMessage: Sendable {
  public private(set) var type = TensorFlowType(rawValue: 0)
  /// As sent: negative ones, too.
  public private(set) var extents: [Int64] = []
  /// Read as a scalar, as TensorFlow does it.
  public private(set) var hasUnknownRank = false
  /// `tensor_content`; nil when absent or empty. It wins over the typed fields.
  private(set) var content: Range<Int>?
  private(set) var runs: [NumberRun] = []
  /// `string_val`, in place.
  public private(set) var strings: [Range<Int>] = []
  private(set) var float8: Range<Int>?

  public init() {}

  /// Reads the message in `range` on top of what is here already, which is how protobuf merges two occurrences.
  mutating func merge(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range)
    while !reader.isAtEnd {
      let start = reader.position
      let (field, wireType) = try reader.readTag()
      if field == 1, wireType == .varint {
        type = TensorFlowType(rawValue: Int32(truncatingIfNeeded: try reader.readVarint()))
        continue
      }
      let value = try reader.skip(wireType)
      if let elementType = Self.elementType(ofField: field) {
        _ = try runs.append(field: field, elementType: elementType, type: wireType, start: start, value: value)
        continue
      }
      guard wireType == .lengthDelimited else { continue }
      switch field {
      case 2: try mergeShape(bytes, range: value)
      case 4: content = value.isEmpty ? nil : value
      case 8: strings.append(value)
      case 18: float8 = value
      default: break
      }
    }
  }

  private mutating func mergeShape(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) throws(WireError) {
    var reader = ProtobufReader(bytes, range: range)
    while !reader.isAtEnd {
      let start = reader.position
      switch try reader.readTag() {
      case (2, .lengthDelimited):
        guard extents.count < WireLimits.tensorRank else {
          throw .tooLarge(byteOffset: start, what: "extents of a tensor", limit: WireLimits.tensorRank)
        }
        extents.append(try Self.extent(bytes, range: try reader.readDelimited()))
      case (3, .varint): hasUnknownRank = try reader.readVarint() != 0
      case (_, let type): _ = try reader.skip(type)
      }
    }
  }

  private static func extent(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) throws(WireError) -> Int64 {
    var reader = ProtobufReader(bytes, range: range)
    var size: Int64 = 0
    while !reader.isAtEnd {
      switch try reader.readTag() {
      case (1, .varint): size = Int64(bitPattern: try reader.readVarint())
      case (_, let type): _ = try reader.skip(type)
      }
    }
    return size
  }

  /// Of the fields that hold numbers.
  private static func elementType(ofField field: UInt32) -> WireType? {
    switch field {
    case 5, 9: .fixed32
    case 6, 12: .fixed64
    case 7, 10, 11, 13, 16, 17: .varint
    default: nil
    }
  }
}
