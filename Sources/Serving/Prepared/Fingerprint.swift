import Wire

/// Tells models apart: a 64-bit FNV-1a hash over words of 8 bytes, the length last. Not against forgery.
public struct Fingerprint: Sendable {
  private var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  private var count = 0

  public init() {}

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var hash = hash
    let words = bytes.count / 8
    for word in 0..<words {
      hash =
        (hash ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * word, as: UInt64.self))) &* 0x100_0000_01B3
      hash ^= hash >> 29
    }
    for byte in bytes[(8 * words)...] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    self.hash = hash
    count += bytes.count
  }

  /// 16 hexadecimal digits.
  public var text: String {
    let digits = String((hash ^ UInt64(count)) &* 0x100_0000_01B3, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Of a whole file.
  public static func of(_ source: some ByteOwner) -> String {
    var fingerprint = Fingerprint()
    source.withUnsafeBytes { fingerprint.update($0) }
    return fingerprint.text
  }
}
