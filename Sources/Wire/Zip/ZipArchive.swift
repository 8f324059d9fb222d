/// The entries of a ZIP file, stored or deflated, by their central directory; ZIP64 included.
///
/// Reading the directory checks it whole; an entry's bytes are unpacked, and checked against their CRC, when asked for.
/// Split and encrypted archives are refused. Source: PKWARE's APPNOTE 6.3.
public struct ZipArchive: Sendable {
  public struct Entry: Sendable, Equatable {
    public let name: String
    /// How many bytes it unpacks to.
    public let byteCount: Int
    let packedCount: Int
    let isDeflated: Bool
    let checksum: UInt32
    let headerOffset: Int
  }

  public let entries: [Entry]
  private let bytes: any ByteOwner

  /// Deflate packs no better than 1:1032, so a larger claim is a lie that must not cost memory.
  private static let greatestRatio = 1032
  private static let limit = 1 << 36

  public init(path: String) throws(WireError) { try self.init(MemoryMappedFile(path: path)) }

  public init(_ bytes: any ByteOwner) throws(WireError) {
    self.bytes = bytes
    entries = try bytes.withUnsafeBytes { (raw: UnsafeRawBufferPointer) throws(WireError) in
      try ZipDirectory(raw).entries()
    }
  }

  /// Unpacks an entry.
  public func bytes(of entry: Entry) throws(WireError) -> [UInt8] {
    try bytes.withUnsafeBytes { (raw: UnsafeRawBufferPointer) throws(WireError) in
      let packed = try Self.packedBytes(of: entry, in: raw)
      var (reason, checksum): (String?, UInt32) = (nil, 0)
      let unpacked = [UInt8](unsafeUninitializedCapacity: entry.byteCount) { memory, initialized in
        let target = UnsafeMutableRawBufferPointer(start: memory.baseAddress, count: entry.byteCount)
        if entry.isDeflated {
          reason = RawDeflate.inflate(packed, into: target)
        } else {
          target.copyMemory(from: packed)
        }
        checksum = RawDeflate.checksum(UnsafeRawBufferPointer(target))
        initialized = reason == nil ? entry.byteCount : 0
      }
      if let reason {
        throw .malformed(
          byteOffset: entry.headerOffset, expected: "\(entry.name) of \(entry.byteCount) bytes", got: reason)
      }
      guard checksum == entry.checksum else {
        throw .malformed(
          byteOffset: entry.headerOffset, expected: "\(entry.name) with checksum \(entry.checksum)", got: "\(checksum)")
      }
      return unpacked
    }
  }

  private static func packedBytes(
    of entry: Entry, in raw: UnsafeRawBufferPointer
  ) throws(WireError) -> UnsafeRawBufferPointer {
    // The local header repeats name and extra fields, at lengths of its own.
    let reader = ZipFields(raw)
    guard try reader.uint32(entry.headerOffset) == ZipDirectory.localHeader else {
      throw .malformed(byteOffset: entry.headerOffset, expected: "the header of \(entry.name)", got: "other bytes")
    }
    let name = Int(try reader.uint16(entry.headerOffset + 26))
    let extra = Int(try reader.uint16(entry.headerOffset + 28))
    let start = entry.headerOffset + 30 + name + extra
    guard start <= raw.count, entry.packedCount <= raw.count - start else {
      throw .malformed(
        byteOffset: entry.headerOffset, expected: "\(entry.packedCount) bytes of \(entry.name)",
        got: "the end of the file")
    }
    return UnsafeRawBufferPointer(rebasing: raw[start..<(start + entry.packedCount)])
  }

  static func check(_ entry: Entry, at offset: Int) throws(WireError) {
    guard entry.byteCount <= limit else {
      throw .tooLarge(byteOffset: offset, what: "bytes in \(entry.name)", limit: limit)
    }
    let most = entry.isDeflated ? entry.packedCount * greatestRatio + 64 : entry.packedCount
    guard entry.byteCount <= most, entry.isDeflated || entry.byteCount == entry.packedCount else {
      throw .malformed(
        byteOffset: offset, expected: "\(entry.name) of at most \(most) bytes", got: "\(entry.byteCount)")
    }
  }
}
