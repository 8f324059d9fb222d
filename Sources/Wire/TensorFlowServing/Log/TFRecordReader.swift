/// Reads the records of a TFRecord file: length (8 bytes, little-endian), masked CRC-32C of the length, data, masked
/// CRC-32C of the data. Checks both sums.
public struct TFRecordReader: Sendable {
  private let source: any ByteOwner
  private var position = 0

  public init(_ source: any ByteOwner) { self.source = source }

  /// Where the next record's data is in the source; nil at the end.
  ///
  /// - Throws: ``WireError/malformed(byteOffset:expected:got:)`` for everything that is no whole record.
  public mutating func next() throws(WireError) -> Range<Int>? {
    let start = position
    let record = try source.withUnsafeBytes { (bytes) throws(WireError) in try Self.record(at: start, of: bytes) }
    if let record { position = record.upperBound + 4 }
    return record
  }

  private static func record(at start: Int, of bytes: UnsafeRawBufferPointer) throws(WireError) -> Range<Int>? {
    let left = bytes.count - start
    if left == 0 { return nil }
    guard left >= 12 else {
      throw .malformed(byteOffset: start, expected: "12 bytes before a TFRecord", got: "\(left)")
    }
    try check(start..<(start + 8), "a TFRecord's length", in: bytes)
    let length = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
    guard left >= 16, length <= UInt64(left - 16) else {
      throw .malformed(
        byteOffset: start, expected: "a TFRecord of at most \(max(0, left - 16)) bytes", got: "a length of \(length)")
    }
    let data = (start + 12)..<(start + 12 + Int(length))
    try check(data, "a TFRecord's data", in: bytes)
    return data
  }

  /// The sum of `range` stands behind it.
  private static func check(_ range: Range<Int>, _ what: String, in bytes: UnsafeRawBufferPointer) throws(WireError) {
    let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: range.upperBound, as: UInt32.self))
    let sum = CRC32C.masked(UnsafeRawBufferPointer(rebasing: bytes[range]))
    guard stored == sum else {
      throw .malformed(byteOffset: range.lowerBound, expected: "\(what) with the checksum \(stored)", got: "\(sum)")
    }
  }
}

/// Writes TFRecords.
public enum TFRecord {
  /// `data` as a record, ready to be appended to a file.
  public static func encoded(_ data: [UInt8]) -> [UInt8] {
    var record = withUnsafeBytes(of: UInt64(data.count).littleEndian) { Array($0) }
    record += sum(of: record)
    record += data
    record += sum(of: data)
    return record
  }

  private static func sum(of bytes: [UInt8]) -> [UInt8] {
    let sum = bytes.withUnsafeBytes { CRC32C.masked($0) }
    return withUnsafeBytes(of: sum.littleEndian) { Array($0) }
  }
}
