/// Reads the protobuf wire format of one message, strictly: nothing is read past the end of the message, no varint is
/// longer than ten bytes, and every error says at which byte of the file what was expected.
///
/// Must not outlive the bytes it reads.
package struct ProtobufReader {
  /// The whole file, so that positions are offsets into it.
  package let bytes: UnsafeRawBufferPointer
  package private(set) var position: Int
  package let end: Int

  /// - Precondition: `range` lies inside `bytes`.
  package init(_ bytes: UnsafeRawBufferPointer, range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "message outside of its file")
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  package var isAtEnd: Bool { position == end }

  package mutating func readVarint() throws(WireError) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < end else {
        throw .malformed(byteOffset: start, expected: "a varint", got: "the end of the message inside of it")
      }
      let byte = bytes[position]
      position += 1
      if shift == 63, byte > 1 { break }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw .malformed(byteOffset: start, expected: "a varint", got: "a number of more than 64 bits")
  }

  package mutating func readTag() throws(WireError) -> (field: UInt32, type: WireType) {
    let start = position
    let tag = try readVarint()
    guard tag <= UInt32.max, tag >> 3 != 0 else {
      throw .malformed(byteOffset: start, expected: "a field number from 1 to 536870911", got: "\(tag >> 3)")
    }
    guard let type = WireType(rawValue: UInt32(tag & 7)) else {
      throw .malformed(byteOffset: start, expected: "wire type 0, 1, 2 or 5", got: "\(tag & 7)")
    }
    return (UInt32(tag >> 3), type)
  }

  /// Reads a length; returns the range of that many bytes that follow it, and moves behind them.
  package mutating func readDelimited() throws(WireError) -> Range<Int> {
    let start = position
    let length = try readVarint()
    guard length <= UInt64(end - position) else {
      throw .malformed(
        byteOffset: start, expected: "a length of at most the \(end - position) bytes left in the message",
        got: "\(length)")
    }
    return take(Int(length))
  }

  /// Reads a field of text, which protobuf says must be UTF-8.
  mutating func readText() throws(WireError) -> String {
    let start = position
    let range = try readDelimited()
    guard let text = String(validating: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self) else {
      throw .malformed(byteOffset: start, expected: "UTF-8 text", got: "other bytes")
    }
    return text
  }

  package mutating func readFixed(byteCount: Int) throws(WireError) -> Range<Int> {
    guard byteCount <= end - position else {
      throw .malformed(
        byteOffset: position, expected: "\(byteCount) bytes", got: "the message ends after \(end - position)")
    }
    return take(byteCount)
  }

  /// Moves behind a value; returns the range it takes, without the length of a delimited one.
  package mutating func skip(_ type: WireType) throws(WireError) -> Range<Int> {
    switch type {
    case .varint:
      let start = position
      _ = try readVarint()
      return start..<position
    case .fixed64: return try readFixed(byteCount: 8)
    case .fixed32: return try readFixed(byteCount: 4)
    case .lengthDelimited: return try readDelimited()
    }
  }

  private mutating func take(_ count: Int) -> Range<Int> {
    defer { position += count }
    return position..<(position + count)
  }
}
