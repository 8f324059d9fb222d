import Testing
import Wire

@testable import ClockworkAdapter

@Suite struct FrameReaderTests {
  /// Bytes that come in pieces.
  private final class Pieces: ByteSource {
    private var bytes: [UInt8]
    private let size: Int
    private var position = 0

    init(_ bytes: [UInt8], of size: Int) {
      self.bytes = bytes
      self.size = size
    }

    func read(into target: UnsafeMutableRawBufferPointer) -> Int {
      let count = min(size, target.count, bytes.count - position)
      bytes.withUnsafeBytes { target.copyMemory(from: .init(rebasing: $0[position..<(position + count)])) }
      position += count
      return count
    }
  }

  private static let rules = FrameRules(
    what: "a result", types: 1...9, hasBody: { $0 == 3 }, headerLimit: 1000, bodyLimit: 200_000)

  static func frame(type: UInt64, header: [UInt8], body: [UInt8] = []) -> [UInt8] {
    PreHeader(
      headerByteCount: UInt64(header.count), bodyByteCount: UInt64(body.count), type: type, messageID: 77, sent: 5,
      delay: .max
    ).bytes + header + body
  }

  private func frames(_ bytes: [UInt8], pieces: Int) throws -> [IncomingFrame] {
    var reader = FrameReader(Pieces(bytes, of: pieces), rules: Self.rules)
    var frames: [IncomingFrame] = []
    while let frame = try reader.next(clock: NodeClock(), onPreHeader: { _ in ClockDelta(nanoseconds: 3) }) {
      frames.append(frame)
    }
    return frames
  }

  /// The layout, written out: six words, the least significant byte first.
  @Test func laysOutTheFirstBytes() {
    let bytes = PreHeader(
      headerByteCount: 0x0102, bodyByteCount: 3, type: 106, messageID: 4, sent: 0x1122_3344_5566_7788, delay: -2
    ).bytes
    #expect(
      bytes == [2, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 106, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]
        + [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 254, 255, 255, 255, 255, 255, 255, 255])
    #expect(bytes.withUnsafeBytes { PreHeader($0) }.delay == -2)
  }

  @Test(arguments: [1, 2, 47, 48, 49, 1000, 65_536, 1 << 20])
  func readsFramesFromPiecesOfAnySize(_ size: Int) throws {
    let body = (0..<150_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let stream =
      Self.frame(type: 1, header: [1, 2, 3]) + Self.frame(type: 3, header: [], body: body)
      + Self.frame(type: 3, header: [9], body: [8]) + Self.frame(type: 2, header: [])
    let frames = try frames(stream, pieces: size)
    #expect(frames.map(\.type) == [1, 3, 3, 2])
    #expect(frames.map(\.header) == [[1, 2, 3], [], [9], []])
    #expect(frames.map { $0.body.withUnsafeBytes { Array($0) } } == [[], body, [8], []])
    #expect(frames.allSatisfy { $0.messageID == 77 && $0.delta == ClockDelta(nanoseconds: 3) })
  }

  @Test func aStreamThatEndsInAFrameIsAnError() throws {
    let stream = Self.frame(type: 3, header: [1, 2], body: [3, 4])
    for length in 1..<stream.count {
      #expect(throws: ClockworkError.connectionClosed) { try frames(Array(stream[..<length]), pieces: 7) }
    }
    #expect(try frames([], pieces: 7).isEmpty)
  }

  @Test(
    arguments: [
      (0, 0, 0), (0, 0, 10), (0, 0, .max), (1001, 0, 1), (.max, 0, 1), (0, 200_001, 3), (0, .max, 3), (0, 1, 1),
    ] as [(UInt64, UInt64, UInt64)])
  func whatIsNotAllowedIsRefusedBeforeItIsRead(_ header: UInt64, _ body: UInt64, _ type: UInt64) {
    let bytes = PreHeader(
      headerByteCount: header, bodyByteCount: body, type: type, messageID: 0, sent: 0, delay: 0
    ).bytes
    var isMalformed = false
    do { _ = try frames(bytes, pieces: 100) } catch ClockworkError.malformedFrame { isMalformed = true } catch {}
    #expect(isMalformed)
  }
}
