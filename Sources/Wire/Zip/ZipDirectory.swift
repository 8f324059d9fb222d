/// The central directory at the end of a ZIP file.
struct ZipDirectory {
  static let localHeader: UInt32 = 0x0403_4B50
  private static let fileHeader: UInt32 = 0x0201_4B50
  private static let endRecord: UInt32 = 0x0605_4B50
  private static let endRecord64: UInt32 = 0x0606_4B50
  private static let locator64: UInt32 = 0x0706_4B50
  /// The end record's own size, and the longest comment after it.
  private static let endSize = 22
  private static let longestComment = 0xFFFF

  private let fields: ZipFields

  init(_ bytes: UnsafeRawBufferPointer) { fields = ZipFields(bytes) }

  func entries() throws(WireError) -> [ZipArchive.Entry] {
    let (count, start) = try place()
    var entries: [ZipArchive.Entry] = []
    var offset = start
    for _ in 0..<count {
      guard try fields.uint32(offset) == Self.fileHeader else {
        throw .malformed(byteOffset: offset, expected: "entry \(entries.count) of the directory", got: "other bytes")
      }
      let (entry, end) = try entry(at: offset)
      try ZipArchive.check(entry, at: offset)
      entries.append(entry)
      offset = end
    }
    return entries
  }

  /// How many entries there are, and where the first is.
  private func place() throws(WireError) -> (count: Int, start: Int) {
    let end = try endOffset()
    let count = Int(try fields.uint16(end + 10))
    let start = Int(try fields.uint32(end + 16))
    guard count == 0xFFFF || start == 0xFFFF_FFFF, end >= 20, try fields.uint32(end - 20) == Self.locator64 else {
      return (count, start)
    }
    let record = try fields.size(end - 20 + 8)
    guard try fields.uint32(record) == Self.endRecord64 else {
      throw .malformed(byteOffset: record, expected: "the ZIP64 end of the directory", got: "other bytes")
    }
    return (try fields.size(record + 32), try fields.size(record + 48))
  }

  private func endOffset() throws(WireError) -> Int {
    var offset = fields.count - Self.endSize
    let first = max(0, offset - Self.longestComment)
    while offset >= first {
      if try fields.uint32(offset) == Self.endRecord,
        offset + Self.endSize + Int(try fields.uint16(offset + 20)) == fields.count
      {
        return offset
      }
      offset -= 1
    }
    throw .malformed(byteOffset: max(0, fields.count - Self.endSize), expected: "the end of a ZIP file", got: "none")
  }

  private func entry(at offset: Int) throws(WireError) -> (ZipArchive.Entry, end: Int) {
    let flags = try fields.uint16(offset + 8)
    let method = try fields.uint16(offset + 10)
    let nameLength = Int(try fields.uint16(offset + 28))
    let extraLength = Int(try fields.uint16(offset + 30))
    let commentLength = Int(try fields.uint16(offset + 32))
    let name = try fields.text(offset + 46, count: nameLength)
    guard flags & 1 == 0 else {
      throw .malformed(byteOffset: offset, expected: "\(name) not encrypted", got: "encrypted")
    }
    guard method == 0 || method == 8 else {
      throw .malformed(byteOffset: offset, expected: "\(name) stored or deflated", got: "method \(method)")
    }
    // In this order, and only those whose 32 bits are full, the large sizes follow in the ZIP64 field.
    var sizes = [
      Int(try fields.uint32(offset + 24)), Int(try fields.uint32(offset + 20)), Int(try fields.uint32(offset + 42)),
    ]
    let extra = offset + 46 + nameLength
    if sizes.contains(0xFFFF_FFFF), var place = try large(extra..<(extra + extraLength)) {
      for index in sizes.indices where sizes[index] == 0xFFFF_FFFF {
        sizes[index] = try fields.size(place)
        place += 8
      }
    }
    let entry = ZipArchive.Entry(
      name: name, byteCount: sizes[0], packedCount: sizes[1], isDeflated: method == 8,
      checksum: try fields.uint32(offset + 16), headerOffset: sizes[2])
    return (entry, extra + extraLength + commentLength)
  }

  /// Where the content of the ZIP64 extra field starts.
  private func large(_ range: Range<Int>) throws(WireError) -> Int? {
    var offset = range.lowerBound
    while offset + 4 <= range.upperBound {
      if try fields.uint16(offset) == 1 { return offset + 4 }
      offset += 4 + Int(try fields.uint16(offset + 2))
    }
    return nil
  }
}

/// Little-endian numbers at places of a file.
struct ZipFields {
  private let bytes: UnsafeRawBufferPointer
  var count: Int { bytes.count }

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  func uint16(_ offset: Int) throws(WireError) -> UInt16 { try number(offset) }
  func uint32(_ offset: Int) throws(WireError) -> UInt32 { try number(offset) }

  /// A 64-bit size or offset, which must fit in the file's address space.
  func size(_ offset: Int) throws(WireError) -> Int {
    let value: UInt64 = try number(offset)
    guard let size = Int(exactly: value), size <= 1 << 48 else {
      throw .malformed(byteOffset: offset, expected: "a size", got: "\(value)")
    }
    return size
  }

  func text(_ offset: Int, count: Int) throws(WireError) -> String {
    try check(offset, count)
    return String(decoding: bytes[offset..<(offset + count)], as: UTF8.self)
  }

  private func number<Number: FixedWidthInteger>(_ offset: Int) throws(WireError) -> Number {
    try check(offset, MemoryLayout<Number>.size)
    return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
  }

  private func check(_ offset: Int, _ count: Int) throws(WireError) {
    guard offset >= 0, offset <= bytes.count - count else {
      throw .malformed(byteOffset: offset, expected: "\(count) bytes", got: "the end of the file")
    }
  }
}
