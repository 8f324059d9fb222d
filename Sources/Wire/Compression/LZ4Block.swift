internal import CLZ4

/// LZ4's block format: a compressed run of bytes without a frame, a length or a checksum. The two sides agree on the
/// length by other means.
public enum LZ4Block {
  /// The format's own bound on what a block can hold.
  public static let contentLimit = Int(LZ4_MAX_INPUT_SIZE)

  /// Decompresses a block into `target`. Never reads or writes outside of the two.
  ///
  /// - Returns: whether `block` is well formed and holds exactly as many bytes as `target`.
  public static func decompress(_ block: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Bool {
    guard let source = block.baseAddress, block.count <= Int(Int32.max), target.count <= contentLimit else {
      return false
    }
    // A block of nothing is one zero byte, and LZ4 wants an address to write nothing at.
    var nothing: CChar = 0
    return withUnsafeMutablePointer(to: &nothing) { nothing in
      let place = target.baseAddress?.assumingMemoryBound(to: CChar.self) ?? nothing
      let count = LZ4_decompress_safe(
        source.assumingMemoryBound(to: CChar.self), place, Int32(block.count), Int32(target.count))
      return count == target.count
    }
  }

  /// `content` as a block, by LZ4's default compressor.
  ///
  /// - Throws: ``WireError/tooLarge(byteOffset:what:limit:)`` for more than ``contentLimit`` bytes.
  public static func compress(_ content: UnsafeRawBufferPointer) throws(WireError) -> [UInt8] {
    guard content.count <= contentLimit else {
      throw .tooLarge(byteOffset: contentLimit, what: "bytes for one LZ4 block", limit: contentLimit)
    }
    let bound = Int(LZ4_compressBound(Int32(content.count)))
    var nothing: CChar = 0
    return withUnsafePointer(to: &nothing) { nothing in
      [UInt8](unsafeUninitializedCapacity: bound) { block, count in
        guard let target = block.baseAddress else { return }
        let source = content.baseAddress?.assumingMemoryBound(to: CChar.self) ?? nothing
        // Cannot fail: the target has room for the worst case.
        count = target.withMemoryRebound(to: CChar.self, capacity: bound) {
          Int(LZ4_compress_default(source, $0, Int32(content.count), Int32(bound)))
        }
      }
    }
  }
}
