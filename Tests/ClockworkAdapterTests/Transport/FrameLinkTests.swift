import Foundation
import Synchronization
import Testing

@testable import ClockworkAdapter

/// Frames that many threads send at once, to a peer that reads late.
@Suite struct FrameLinkTests {
  private final class Nobody: FrameReceiver {
    func receive(_ frame: IncomingFrame, over link: FrameLink) throws {}
    func linkEnded(_ link: FrameLink, because error: (any Error)?) {}
  }

  private static let rules = FrameRules(what: "a frame", types: 1...6, hasBody: { _ in true })

  private static func body(_ sender: Int, _ number: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: sender * 31 + number), count: number * number * 97 % 200_000)
  }

  @Test func framesComeWholeAndInOrderHoweverLittleRoomThereIs() throws {
    let (senders, frames) = (4, 60)
    let accepted = Box<TCPSocket>()
    let listener = try TCPListener(host: "127.0.0.1", port: 0, name: "late reader") { accepted.put($0) }
    defer { listener.stop() }
    let link = FrameLink(
      try TCPSocket.connect(host: "127.0.0.1", port: listener.port), rules: Self.rules, clock: NodeClock(),
      name: "senders", receiver: Nobody())
    let socket = try #require(accepted.wait(30))
    socket.setReadTimeout(.seconds(30))
    let done = DispatchGroup()
    for sender in 0..<senders {
      let thread = Thread {
        for number in 0..<frames {
          link.send(
            OutgoingFrame(
              type: 3, messageID: UInt64(sender << 32 | number), header: [8, 0], body: Self.body(sender, number)))
        }
        done.leave()
      }
      done.enter()
      thread.start()
    }
    // Nobody has read anything yet, and nobody was kept waiting for that.
    #expect(done.wait(timeout: .now() + 30) == .success)
    link.close()
    var reader = FrameReader(socket, rules: Self.rules)
    var next = [Int](repeating: 0, count: senders)
    while let frame = try reader.next(clock: NodeClock(), onPreHeader: { _ in ClockDelta(nanoseconds: 0) }) {
      let (sender, number) = (Int(frame.messageID >> 32), Int(frame.messageID & 0xFFFF_FFFF))
      #expect(number == next[sender], "of sender \(sender)")
      #expect(frame.body.withUnsafeBytes { Array($0) } == Self.body(sender, number))
      next[sender] += 1
    }
    #expect(next == [Int](repeating: frames, count: senders))
    socket.finishWriting()
    #expect(link.waitUntilEnded(.seconds(30)))
  }
}
