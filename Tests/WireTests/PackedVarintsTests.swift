import Testing

@testable import Wire

@Suite("Packed varints")
struct PackedVarintsTests {
  @Test("are counted and read in order")
  func reads() throws {
    let bytes = OwnedBytes(copying: [0xEE, 0x01, 0xAC, 0x02, 0x00, 0xEE])
    let varints = try PackedVarints(1..<5, of: bytes)
    #expect(varints.count == 3)
    var values: [UInt64] = []
    try varints.forEach { value, index in
      #expect(index == values.count)
      values.append(value)
    }
    #expect(values == [1, 300, 0])
  }

  @Test("are refused when the last is cut off, or the range leaves the file")
  func refuses() {
    let bytes = OwnedBytes(copying: [0x01, 0x80])
    #expect(throws: WireError.self) { try PackedVarints(0..<2, of: bytes) }
    #expect(throws: WireError.self) { try PackedVarints(0..<3, of: bytes) }
  }
}
