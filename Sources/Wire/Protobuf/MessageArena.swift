internal import CMessages

/// Memory for the parts that a message under construction points to: texts, arrays, nested messages. All of it goes at
/// once, with the arena.
final class MessageArena {
  private var chunks: [UnsafeMutableRawBufferPointer] = []
  private var used = 0
  private static let chunkByteCount = 1024
  private static let alignment = 16

  deinit { for chunk in chunks { chunk.deallocate() } }

  func place<Part: BitwiseCopyable>(_ part: Part) -> UnsafeMutablePointer<Part> {
    let place = reserve(MemoryLayout<Part>.size).bindMemory(to: Part.self, capacity: 1)
    place.initialize(to: part)
    return place
  }

  /// `nil` for no elements, as protobuf-c has it.
  func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeMutablePointer<Element>? {
    guard !elements.isEmpty else { return nil }
    let place = reserve(elements.count * MemoryLayout<Element>.stride)
      .bindMemory(to: Element.self, capacity: elements.count)
    place.initialize(from: elements, count: elements.count)
    return place
  }

  /// The messages one after the other, and where each is.
  func messages<Part: BitwiseCopyable>(_ parts: [Part]) -> UnsafeMutablePointer<UnsafeMutablePointer<Part>?>? {
    array(parts.map { Optional(place($0)) })
  }

  /// Up to the first zero byte: protobuf-c ends texts there.
  func text(_ text: String) -> UnsafeMutablePointer<CChar> {
    text.withCString { source in
      var count = 0
      while source[count] != 0 { count += 1 }
      let place = reserve(count + 1).bindMemory(to: CChar.self, capacity: count + 1)
      place.initialize(from: source, count: count + 1)
      return place
    }
  }

  /// Memory for `byteCount` bytes, aligned to 16, not initialised.
  func reserve(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let rounded = (max(1, byteCount) + Self.alignment - 1) / Self.alignment * Self.alignment
    if let chunk = chunks.last, let base = chunk.baseAddress, used + rounded <= chunk.count {
      defer { used += rounded }
      return base + used
    }
    let chunk = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(rounded, Self.chunkByteCount), alignment: Self.alignment)
    chunks.append(chunk)
    used = rounded
    guard let base = chunk.baseAddress else { preconditionFailure("an allocation of \(rounded) bytes has no address") }
    return base
  }
}

/// The wire form of the message that `make` builds, whose parts may lie in the arena.
func packed<Raw: BitwiseCopyable>(_ make: (MessageArena) -> Raw) -> [UInt8] {
  let arena = MessageArena()
  let message = make(arena)
  return withExtendedLifetime(arena) {
    withUnsafeBytes(of: message) { bytes in
      // Every message of protobuf-c begins with its base.
      guard let base = bytes.baseAddress?.assumingMemoryBound(to: ProtobufCMessage.self) else { return [] }
      let count = protobuf_c_message_get_packed_size(base)
      return [UInt8](unsafeUninitializedCapacity: count) { target, written in
        written = target.baseAddress.map { protobuf_c_message_pack(base, $0) } ?? 0
      }
    }
  }
}
