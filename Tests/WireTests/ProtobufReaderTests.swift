import Testing

@testable import Wire

@Suite("The protobuf reader")
struct ProtobufReaderTests {
  private func reading<T>(
    _ bytes: [UInt8], _ body: (inout ProtobufReader) throws(WireError) -> T
  ) throws(WireError) -> T {
    try OwnedBytes(copying: bytes).withUnsafeBytes { (bytes) throws(WireError) in
      var reader = ProtobufReader(bytes, range: 0..<bytes.count)
      return try body(&reader)
    }
  }

  @Test(
    "reads varints of every length",
    arguments: [
      ([0x00], 0), ([0x01], 1), ([0x7F], 127), ([0x80, 0x01], 128), ([0xAC, 0x02], 300), ([0x80, 0x80, 0x00], 0),
      ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], UInt64.max),
    ] as [([UInt8], UInt64)])
  func varint(bytes: [UInt8], value: UInt64) throws {
    #expect(try reading(bytes) { (reader) throws(WireError) in try reader.readVarint() } == value)
  }

  @Test(
    "refuses varints that end early or do not end",
    arguments: [
      [], [0x80], [0xFF, 0xFF],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
      [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02],
    ] as [[UInt8]])
  func badVarint(bytes: [UInt8]) {
    #expect(throws: WireError.self) { try reading(bytes) { (reader) throws(WireError) in try reader.readVarint() } }
  }

  @Test(
    "refuses field number 0, too large field numbers and groups",
    arguments: [
      [0x02], [0x0B], [0x0C], [0x0E], [0x0F],
      [0x80, 0x80, 0x80, 0x80, 0x10],
    ] as [[UInt8]])
  func badTag(bytes: [UInt8]) {
    #expect(throws: WireError.self) { try reading(bytes) { (reader) throws(WireError) in try reader.readTag().field } }
  }

  @Test("refuses lengths past the end of the message, and says where")
  func lengths() throws {
    let range = try reading([0x02, 0xAA, 0xBB]) { (reader) throws(WireError) in try reader.readDelimited() }
    #expect(range == 1..<3)
    let expected = WireError.malformed(
      byteOffset: 0, expected: "a length of at most the 2 bytes left in the message", got: "3")
    #expect(throws: expected) {
      try reading([0x03, 0xAA, 0xBB]) { (reader) throws(WireError) in try reader.readDelimited() }
    }
    let huge: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x00]
    #expect(throws: WireError.self) { try reading(huge) { (reader) throws(WireError) in try reader.readDelimited() } }
  }

  @Test("refuses fixed numbers that are cut off", arguments: [3, 7])
  func fixed(byteCount: Int) {
    let bytes = [UInt8](repeating: 0, count: byteCount)
    #expect(throws: WireError.self) {
      try reading(bytes) { (reader) throws(WireError) in try reader.readFixed(byteCount: byteCount + 1) }
    }
  }
}
