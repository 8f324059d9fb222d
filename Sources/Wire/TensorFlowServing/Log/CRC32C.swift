/// The checksum of TFRecord files: CRC-32 with Castagnoli's polynomial, RFC 3720 appendix B.4.
enum CRC32C {
  /// O(n), a table lookup for each byte.
  static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    table.withUnsafeBufferPointer { table in
      var crc = UInt32.max
      for byte in bytes { crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
      return ~crc
    }
  }

  /// Rotated and shifted by a constant, so that a sum can itself be part of data that is summed.
  static func masked(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    let crc = sum(bytes)
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
  }
}
