/// Writes the protobuf wire format. Also what tests build models with.
package struct ProtobufWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  package mutating func append(field: UInt32, varint value: UInt64) {
    append(varint: UInt64(field) << 3 | UInt64(WireType.varint.rawValue))
    append(varint: value)
  }

  package mutating func append(field: UInt32, bytes value: some Collection<UInt8>) {
    append(varint: UInt64(field) << 3 | UInt64(WireType.lengthDelimited.rawValue))
    append(varint: UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  package mutating func append(field: UInt32, string value: String) { append(field: field, bytes: Array(value.utf8)) }

  package mutating func append(field: UInt32, fixed32 value: UInt32) {
    append(varint: UInt64(field) << 3 | UInt64(WireType.fixed32.rawValue))
    append(raw: withUnsafeBytes(of: value.littleEndian) { Array($0) })
  }

  /// Appends bytes as they are: whole fields that were written elsewhere.
  package mutating func append(raw fields: some Collection<UInt8>) { bytes.append(contentsOf: fields) }

  /// Appends a field that holds the message that `body` writes.
  package mutating func append(field: UInt32, message body: (inout ProtobufWriter) -> Void) {
    var message = ProtobufWriter()
    body(&message)
    append(field: field, bytes: message.bytes)
  }
}
