import NIOCore
import Testing

@testable import RPC

@Suite struct FrameReaderTests {
  private static let frames: [UInt8] =
    RawFrame.bytes(.settings, [0, 4, 0, 1, 0, 0])
    + RawFrame.bytes(.data, stream: 1, Array("hello ".utf8))
    + RawFrame.bytes(.ping, [1, 2, 3, 4, 5, 6, 7, 8])
    // Three bytes of padding.
    + RawFrame.bytes(.data, flags: 8, stream: 1, [3] + Array("world".utf8) + [0, 0, 0])
    + RawFrame.bytes(.settings, flags: 1)
    + RawFrame.bytes(.data, flags: 1, stream: 3)

  /// What a connection would see, with DATA put together again.
  private func read(_ pieces: [ArraySlice<UInt8>]) throws -> [String] {
    var reader = FrameReader(frameLimit: 1 << 14)
    var seen: [String] = []
    var data: [UInt8] = []
    var consumed = 0
    for piece in pieces {
      reader.append(ByteBuffer(bytes: piece))
      while let part = try reader.next() {
        switch part {
        case .frame(let header, let payload):
          seen.append("\(header.kind.map { "\($0)" } ?? "?") \(header.stream) \(Array(payload.readableBytesView))")
        case .data(let header, let bytes, let count, let isLast):
          data += bytes.readableBytesView
          consumed += count
          guard isLast else { continue }
          seen.append(
            "data \(header.stream) \(String(decoding: data, as: UTF8.self)) \(consumed)"
              + (header.flags.contains(.endStream) ? " end" : ""))
          data = []
          consumed = 0
        }
      }
    }
    return seen
  }

  private static let expected = [
    "settings 0 [0, 4, 0, 1, 0, 0]", "data 1 hello  6", "ping 0 [1, 2, 3, 4, 5, 6, 7, 8]", "data 1 world 9",
    "settings 0 []", "data 3  0 end",
  ]

  @Test func `frames that come at once are cut apart`() throws {
    #expect(try read([Self.frames[...]]) == Self.expected)
  }

  @Test func `it does not matter where reads end`() throws {
    let frames = Self.frames
    #expect(try read(frames.indices.map { frames[$0...$0] }) == Self.expected, "one byte at a time")
    for first in frames.indices {
      #expect(try read([frames[..<first], frames[first...]]) == Self.expected, "cut at \(first)")
      for second in frames.indices[first...] where (second - first).isMultiple(of: 7) {
        #expect(
          try read([frames[..<first], frames[first..<second], frames[second...]]) == Self.expected,
          "cut at \(first) and \(second)")
      }
    }
  }

  @Test(arguments: [
    ("a frame above the limit", RawFrame.bytes(.data, stream: 1, Array(repeating: 0, count: 16_385))),
    ("more padding than payload", RawFrame.bytes(.data, flags: 8, stream: 1, [9, 0, 0])),
    ("padding without its length", RawFrame.bytes(.data, flags: 8, stream: 1)),
  ])
  func `broken frames are errors`(what: String, bytes: [UInt8]) {
    #expect(throws: ConnectionError.self, "\(what)") { try read([bytes[...]]) }
  }

  @Test func `only DATA may be large`() throws {
    let beginning = RawFrame.bytes(.headers, stream: 1, Array(repeating: 0, count: 70_000)).prefix(9)
    #expect(throws: ConnectionError.self) {
      var reader = FrameReader(frameLimit: 1 << 20)
      reader.append(ByteBuffer(bytes: beginning))
      _ = try reader.next()
    }
  }
}
