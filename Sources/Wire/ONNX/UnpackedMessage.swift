internal import CMessages

/// Owns a message that protobuf-c unpacked, and frees it with all that it points to.
struct UnpackedMessage<Message>: ~Copyable {
  private let message: UnsafeMutablePointer<Message>
  private let free: (UnsafeMutablePointer<Message>?, UnsafeMutablePointer<ProtobufCAllocator>?) -> Void

  /// Unpacks `skeleton`, which ``SkeletonScanner`` wrote: only a lack of memory can make that fail.
  init(
    _ skeleton: [UInt8],
    unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) -> UnsafeMutablePointer<Message>?,
    free: @escaping (UnsafeMutablePointer<Message>?, UnsafeMutablePointer<ProtobufCAllocator>?) -> Void
  ) throws(WireError) {
    let unpacked = skeleton.withUnsafeBufferPointer { unpack(nil, $0.count, $0.baseAddress) }
    guard let unpacked else { throw .unpackingFailed(message: "\(Message.self)") }
    message = unpacked
    self.free = free
  }

  deinit { free(message, nil) }

  /// Reads the message; pointers in it are valid only inside `body`.
  func read<Result>(_ body: (Message) throws(WireError) -> Result) throws(WireError) -> Result {
    try body(message.pointee)
  }
}
