internal import CMessages
internal import CProtobufC

/// Receives what protobuf-c writes when it packs a message, and copies it, apart from large runs of bytes that lie in
/// memory of a known owner.
///
/// protobuf-c hands such runs over by their address (fields of bytes, and packed floats and doubles), so that nothing
/// is lost by asking whose memory it is.
final class PieceCollector {
  /// Below this a copy is cheaper than a piece of its own.
  static let smallestBorrowed = 512

  private var pieces = MessagePieces()
  private var pending: [UInt8] = []
  private let owners: [any ByteOwner]

  private init(owners: [any ByteOwner]) {
    self.owners = owners
    // protobuf-c hands over every tag and length for itself.
    pending.reserveCapacity(Self.smallestBorrowed)
  }

  /// Packs a message whose pointers are valid during the call.
  static func pack(_ message: UnsafePointer<ProtobufCMessage>, owners: [any ByteOwner]) -> MessagePieces {
    let collector = PieceCollector(owners: owners)
    // protobuf-c passes the buffer's address to `append`: the collector follows it in memory.
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 2 * MemoryLayout<ProtobufCBuffer>.stride, alignment: 16)
    defer { memory.deallocate() }
    let buffer = memory.initializeMemory(
      as: ProtobufCBuffer.self,
      to: ProtobufCBuffer(append: { buffer, count, bytes in
        guard let buffer, let bytes, count > 0 else { return }
        let collector = (UnsafeRawPointer(buffer) + MemoryLayout<ProtobufCBuffer>.stride).load(
          as: Unmanaged<PieceCollector>.self)
        collector._withUnsafeGuaranteedRef { $0.append(UnsafeRawBufferPointer(start: bytes, count: count)) }
      }))
    (memory + MemoryLayout<ProtobufCBuffer>.stride).initializeMemory(
      as: Unmanaged<PieceCollector>.self, to: Unmanaged.passUnretained(collector))
    protobuf_c_message_pack_to_buffer(message, buffer)
    collector.flush()
    return collector.pieces
  }

  private func append(_ bytes: UnsafeRawBufferPointer) {
    if bytes.count >= Self.smallestBorrowed, let (owner, range) = owner(of: bytes) {
      flush()
      pieces.append(.borrowed(owner, range))
    } else {
      pending.append(contentsOf: bytes)
    }
  }

  private func owner(of bytes: UnsafeRawBufferPointer) -> (any ByteOwner, Range<Int>)? {
    guard let start = bytes.baseAddress else { return nil }
    for owner in owners {
      let place: Range<Int>? = owner.withUnsafeBytes { owned in
        guard let base = owned.baseAddress, start >= base, start + bytes.count <= base + owned.count else { return nil }
        return (start - base)..<(start - base + bytes.count)
      }
      if let place { return (owner, place) }
    }
    return nil
  }

  private func flush() {
    if pending.isEmpty { return }
    pieces.append(.copied(pending))
    pending = []
  }
}
