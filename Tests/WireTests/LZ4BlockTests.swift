import Foundation
import Testing
import Wire

struct LZ4BlockTests {
  static func content(_ count: Int) -> [UInt8] {
    var state: UInt64 = 88_172_645_463_325_252
    return (0..<count).map { place in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return place % 3 == 0 ? UInt8(truncatingIfNeeded: state) : UInt8(truncatingIfNeeded: place / 64)
    }
  }

  @Test(arguments: [0, 1, 12, 13, 4096, 602_112])
  func contentComesBack(_ count: Int) throws {
    let content = Self.content(count)
    let block = try content.withUnsafeBytes { try LZ4Block.compress($0) }
    #expect(decompressed(block, count: count) == content)
    #expect(decompressed(block, count: count + 1) == nil, "one byte more than there is")
    if count > 0 { #expect(decompressed(block, count: count - 1) == nil, "one byte less than there is") }
  }

  /// Blocks that the `lz4` command wrote, taken out of its frames.
  @Test(arguments: [1, 13, 5000, 60_000])
  func readsWhatTheCommandWrites(_ count: Int) throws {
    let content = Self.content(count)
    let frame = try run(["-c", "-1", "--no-frame-crc", "-B4"], input: content)
    // Magic, flags, block descriptor, checksum of these; then the size of the one block, whose top bit says "stored".
    let size = frame[7..<11].enumerated().reduce(UInt32(0)) { $0 | UInt32($1.element) << (8 * UInt32($1.offset)) }
    try #require(size >> 31 == 0 || count < 16, "the command stored the content as it is")
    guard size >> 31 == 0 else { return }
    #expect(decompressed(Array(frame[11..<(11 + Int(size))]), count: count) == content)
  }

  /// Our blocks in a frame, read by the `lz4` command.
  @Test(arguments: [13, 5000, 60_000])
  func theCommandReadsOurs(_ count: Int) throws {
    let content = Self.content(count)
    let block = try content.withUnsafeBytes { try LZ4Block.compress($0) }
    // Version 1, independent blocks, no checksums, blocks of at most 64 KiB; 0x82 is the checksum of `60 40`.
    let head: [UInt8] = [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82]
    let size = (0..<4).map { UInt8(truncatingIfNeeded: block.count >> (8 * $0)) }
    #expect(try run(["-d", "-c"], input: head + size + block + [0, 0, 0, 0]) == content)
  }

  @Test func damagedBlocksAreRefused() throws {
    let content = Self.content(3000)
    let block = try content.withUnsafeBytes { try LZ4Block.compress($0) }
    #expect(decompressed([], count: 10) == nil)
    #expect(decompressed(Array(block.dropLast()), count: 3000) == nil)
    #expect(decompressed(block + [0], count: 3000) == nil)
    #expect(decompressed([UInt8](repeating: 0xFF, count: 200), count: 3000) == nil)
    for position in block.indices {
      var damaged = block
      damaged[position] ^= 0xFF
      _ = decompressed(damaged, count: 3000)  // may be other content; must not touch memory beyond
    }
  }

  private func decompressed(_ block: [UInt8], count: Int) -> [UInt8]? {
    var target = [UInt8](repeating: 0, count: count)
    let good = block.withUnsafeBytes { block in
      target.withUnsafeMutableBytes { LZ4Block.decompress(block, into: $0) }
    }
    return good ? target : nil
  }

  private func run(_ arguments: [String], input: [UInt8]) throws -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("input")
    try Data(input).write(to: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["lz4"] + arguments + [file.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "lz4 \(arguments.joined(separator: " ")); .ci/setup installs it")
    return Array(data)
  }
}
