/// Bytes in memory of our own, for what does not come from a file.
public final class OwnedBytes: ByteOwner, @unchecked Sendable {
  // Safe to share: never written after `init`.
  private let bytes: UnsafeRawBufferPointer

  /// Takes a copy. O(n).
  public init(copying source: some Collection<UInt8>) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 64)
    memory.copyBytes(from: source)
    bytes = UnsafeRawBufferPointer(memory)
  }

  /// Takes `byteCount` bytes, aligned to 64, that `fill` must write; what they hold before is undefined.
  public init<Failure: Error>(
    byteCount: Int, fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    do { try fill(memory) } catch {
      memory.deallocate()
      throw error
    }
    bytes = UnsafeRawBufferPointer(memory)
  }

  deinit { bytes.deallocate() }

  public var byteCount: Int { bytes.count }

  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(bytes) }
}
