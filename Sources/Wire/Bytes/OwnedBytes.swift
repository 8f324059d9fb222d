/// Bytes in memory of our own, for models that do not come from a file.
public final class OwnedBytes: ByteOwner, @unchecked Sendable {
  // Safe to share: never written after `init`.
  private let bytes: UnsafeRawBufferPointer

  /// Takes a copy. O(n).
  public init(copying source: some Collection<UInt8>) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 64)
    memory.copyBytes(from: source)
    bytes = UnsafeRawBufferPointer(memory)
  }

  deinit { bytes.deallocate() }

  public var byteCount: Int { bytes.count }

  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(bytes) }
}
