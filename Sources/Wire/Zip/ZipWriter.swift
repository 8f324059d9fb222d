/// Writes ZIP files of stored entries, below 4 GiB. Source: PKWARE's APPNOTE 6.3.
public struct ZipWriter {
  private struct Entry {
    let name: [UInt8]
    let checksum: UInt32
    let size: UInt32
    let offset: UInt32
  }

  private var entries: [Entry] = []
  private var offset = 0

  /// 1 January 1980: the same content gives the same bytes.
  private static let date: UInt16 = 0x21
  private static let version: UInt16 = 20
  /// Names are UTF-8.
  private static let flags: UInt16 = 1 << 11

  public init() {}

  /// - Returns: what is to be written before the entry's own bytes.
  public mutating func begin(_ name: String, _ bytes: UnsafeRawBufferPointer) throws(WireError) -> [UInt8] {
    let text = Array(name.utf8)
    guard offset + bytes.count + text.count + 64 < Int(UInt32.max), text.count < Int(UInt16.max),
      entries.count < Int(UInt16.max)
    else { throw .tooLarge(byteOffset: offset, what: "bytes of a ZIP file", limit: Int(UInt32.max)) }
    let entry = Entry(
      name: text, checksum: RawDeflate.checksum(bytes), size: UInt32(bytes.count), offset: UInt32(offset))
    entries.append(entry)
    var header: [UInt8] = []
    header.append(little: 0x0403_4B50 as UInt32)
    header.append(little: Self.version)
    Self.append(entry, to: &header)
    header.append(little: 0 as UInt16)
    header += text
    offset += header.count + bytes.count
    return header
  }

  /// - Returns: what is to be written behind the last entry.
  public func end() -> [UInt8] {
    var directory: [UInt8] = []
    for entry in entries {
      directory.append(little: 0x0201_4B50 as UInt32)
      directory.append(little: Self.version)
      directory.append(little: Self.version)
      Self.append(entry, to: &directory)
      for zero in [0, 0, 0, 0] as [UInt16] { directory.append(little: zero) }
      directory.append(little: 0 as UInt32)
      directory.append(little: entry.offset)
      directory += entry.name
    }
    let size = directory.count
    directory.append(little: 0x0605_4B50 as UInt32)
    for number in [0, 0, UInt16(entries.count), UInt16(entries.count)] { directory.append(little: number) }
    directory.append(little: UInt32(size))
    directory.append(little: UInt32(offset))
    directory.append(little: 0 as UInt16)
    return directory
  }

  /// What both headers of an entry say, up to the length of its name.
  private static func append(_ entry: Entry, to header: inout [UInt8]) {
    for number in [flags, 0, 0, date] { header.append(little: number) }
    for number in [entry.checksum, entry.size, entry.size] { header.append(little: number) }
    header.append(little: UInt16(entry.name.count))
  }
}

extension [UInt8] {
  fileprivate mutating func append(little number: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }
}
