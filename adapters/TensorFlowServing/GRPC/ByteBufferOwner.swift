import NIOCore
import Wire

/// The bytes of a message as it was received, kept in place.
final class ByteBufferOwner: ByteOwner {
  // Never changed, so that its storage, and with it the bytes' place, stays the same.
  private let buffer: ByteBuffer

  init(_ buffer: ByteBuffer) { self.buffer = buffer }

  var byteCount: Int { buffer.readableBytes }

  func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // NIO's accessor rethrows without types.
    let bytes = buffer.withUnsafeReadableBytes { $0 }
    defer { withExtendedLifetime(buffer) {} }
    return try body(bytes)
  }
}

extension ByteBuffer {
  /// A message in one buffer. Copies it once: NIO writes only memory of its own.
  init(_ message: MessagePieces) {
    self = ByteBufferAllocator().buffer(capacity: message.byteCount)
    message.forEach { _ = writeBytes($0) }
  }
}
