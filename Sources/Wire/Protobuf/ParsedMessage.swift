internal import CMessages

/// Unpacks `bytes` with protobuf-c, which checks their form and that no required field is missing, and reads the message
/// while it lives.
///
/// - Parameter name: of the message, for the error.
func parsed<Raw, Value>(
  _ bytes: UnsafeRawBufferPointer, as name: String,
  unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) -> UnsafeMutablePointer<Raw>?,
  free: (UnsafeMutablePointer<Raw>?, UnsafeMutablePointer<ProtobufCAllocator>?) -> Void,
  _ read: (Raw) -> Value
) throws(WireError) -> Value {
  guard let message = unpack(nil, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)) else {
    throw .malformed(
      byteOffset: 0, expected: "\(name) with all its required fields", got: "\(bytes.count) bytes that are not")
  }
  defer { free(message, nil) }
  return read(message.pointee)
}

func text(_ string: UnsafeMutablePointer<CChar>?) -> String { string.map { String(cString: $0) } ?? "" }

func numbers<Number: BitwiseCopyable>(_ start: UnsafeMutablePointer<Number>?, _ count: Int) -> [Number] {
  Array(UnsafeBufferPointer(start: start, count: count))
}

func each<Message>(
  _ messages: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int
) -> [Message] { UnsafeBufferPointer(start: messages, count: count).compactMap { $0?.pointee } }
