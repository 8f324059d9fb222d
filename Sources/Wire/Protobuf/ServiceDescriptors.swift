internal import CMessages

/// The descriptors of all services in `proto/`, with the files they need: what server reflection answers from.
public enum ServiceDescriptors {
  /// A serialized `google.protobuf.FileDescriptorSet`. Makes a copy. O(n).
  public static var fileDescriptorSet: [UInt8] {
    var count = 0
    guard let bytes = service_descriptors(&count) else { return [] }
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}
