import NIOCore
import Testing

@testable import RPC

@Suite struct MessageAssemblerTests {
  private let allocator = ByteBufferAllocator()

  private func frame(_ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
    [flag] + withUnsafeBytes(of: UInt32(message.count).bigEndian) { Array($0) } + message
  }

  /// All messages (with prefixes) that come out when `bytes` come in pieces of `size`.
  private func assemble(_ bytes: [UInt8], size: Int, limit: Int = 1000) throws(Status) -> (
    frames: [[UInt8]], rest: Bool
  ) {
    var assembler = MessageAssembler(limit: limit)
    var frames: [[UInt8]] = []
    var start = 0
    while start < bytes.count {
      assembler.append(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)]), allocator: allocator)
      start += size
      while let frame = try assembler.next(allocator: allocator) { frames.append(Array(frame.readableBytesView)) }
    }
    return (frames, !assembler.isEmpty)
  }

  @Test(arguments: 1...40)
  func `messages come out whole, whatever the frames were`(size: Int) throws {
    let messages: [[UInt8]] = [[1, 2, 3], [], Array(0..<200), [9]]
    let bytes = messages.flatMap { frame($0) }
    let (frames, rest) = try assemble(bytes, size: size)
    #expect(frames == messages.map { frame($0) })
    #expect(!rest)
  }

  @Test func `a cut message is held back`() throws {
    let (frames, rest) = try assemble(Array(frame([1, 2, 3]).dropLast()), size: 2)
    #expect(frames.isEmpty)
    #expect(rest)
  }

  @Test func `a message in one frame is not copied`() throws {
    var assembler = MessageAssembler(limit: 1000)
    let bytes = ByteBuffer(bytes: frame(Array(repeating: 5, count: 500)))
    assembler.append(bytes, allocator: allocator)
    let frame = try #require(try assembler.next(allocator: allocator))
    let before = bytes.withUnsafeReadableBytes { $0.baseAddress }
    #expect(frame.withUnsafeReadableBytes { $0.baseAddress } == before)
  }

  @Test func `an announced length reserves little before the bytes come`() throws {
    var assembler = MessageAssembler(limit: Int(Int32.max))
    assembler.append(ByteBuffer(bytes: [0, 0x7F, 0xFF, 0xFF, 0xFF, 1]), allocator: allocator)
    #expect(try assembler.next(allocator: allocator) == nil)
    assembler.append(ByteBuffer(bytes: [2]), allocator: allocator)
    #expect(try assembler.next(allocator: allocator) == nil)
    #expect(assembler.capacity <= 32 << 20)
  }

  @Test func `a message over the limit is refused by its prefix`() {
    #expect(throws: Status(.resourceExhausted, "Received message larger than max (1001 vs. 1000)")) {
      try assemble([0, 0, 0, 0x03, 0xE9], size: 5)
    }
  }

  @Test func `an unknown flag is refused`() {
    #expect(throws: Status(.internalError, "message prefix: expected 0 or 1 as compressed flag, got 2")) {
      try assemble(frame([1], flag: 2), size: 3)
    }
  }
}
