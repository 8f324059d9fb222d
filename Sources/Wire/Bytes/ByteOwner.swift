/// Something that keeps bytes valid and unchanged, at the same place, for as long as it lives.
public protocol ByteOwner: AnyObject, Sendable {
  var byteCount: Int { get }

  /// The bytes. A pointer may outlive the closure only together with a reference to `self`.
  func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result
}
