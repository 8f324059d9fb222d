import Foundation
import OpenCLRuntime
import Synchronization

/// Who handles what comes over a link. Called on the link's reading thread, which reads no further meanwhile.
protocol FrameReceiver: AnyObject, Sendable {
  /// - Throws: when the frame makes no sense; the link is closed then, with the error in the log.
  func receive(_ frame: IncomingFrame, over link: FrameLink) throws
  /// The last call. `error` is `nil` when the peer said that it is done, or we did.
  func linkEnded(_ link: FrameLink, because error: (any Error)?)
}

/// One connection: a thread that reads frames, a thread that writes those that have to wait, and what is known of the peer's
/// clock.
///
/// A frame is written by whoever sends it when the socket has room: an answer that had to wake another thread first would
/// wait for it while a model keeps all cores busy.
///
/// It ends with FIN and never with RST, which would stop Clockwork's own controller: what the peer still sends is read
/// and thrown away, for a bounded time.
final class FrameLink: Sendable {
  let peer: String
  let clock: NodeClock
  private let socket: TCPSocket
  private let rules: FrameRules
  private let receiver: any FrameReceiver
  /// Guards what is known of the peer's clock.
  private let estimate = Mutex(ClockEstimate())
  /// Guards the frames that wait to be written.
  private let outbox = Mutex(Outbox())
  private let wakeUp = DispatchSemaphore(value: 0)
  private let written = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  private struct Outbox {
    var frames: [OutgoingFrame] = []
    var byteCount = 0
    /// What the socket had no room for, of the frame before these.
    var rest: [UInt8] = []
    /// Somebody is writing: all others leave their frames here.
    var isWriting = false
    /// No frame is accepted any more.
    var isClosing = false
    var hasFailed = false
  }

  /// Bytes that may wait for a peer that does not read.
  private static let outboxLimit = 256 << 20
  private static let writeTimeout = Duration.seconds(10)
  private static let drainTime = Duration.seconds(1)

  /// Starts the two threads. `receiver` is kept until the link has ended.
  init(_ socket: TCPSocket, rules: FrameRules, clock: NodeClock, name: String, receiver: any FrameReceiver) {
    self.socket = socket
    self.rules = rules
    self.clock = clock
    self.receiver = receiver
    peer = socket.peer
    socket.setWriteTimeout(Self.writeTimeout)
    for (role, body) in [("read", readAll), ("write", writeAll)] as [(String, @Sendable () -> Void)] {
      let thread = Thread(block: body)
      thread.name = "\(name) \(role)"
      thread.qualityOfService = .userInteractive
      thread.start()
    }
  }

  /// Sends a frame after those that wait; never blocks.
  /// - Returns: false when the link is closing or has ended.
  @discardableResult
  func send(_ frame: OutgoingFrame) -> Bool {
    enum Turn { case refused, now, later, tooMuch }
    let turn = outbox.withLock { outbox -> Turn in
      guard !outbox.isClosing else { return .refused }
      if !outbox.isWriting, outbox.frames.isEmpty, outbox.rest.isEmpty {
        outbox.isWriting = true
        return .now
      }
      outbox.frames.append(frame)
      outbox.byteCount += frame.byteCount
      return outbox.byteCount > Self.outboxLimit ? .tooMuch : .later
    }
    switch turn {
    case .refused: return false
    case .now: writeAtOnce(frame)
    case .later: wakeUp.signal()
    case .tooMuch: fail()
    }
    return true
  }

  /// Writes what the socket has room for, and leaves the rest to the writing thread.
  private func writeAtOnce(_ frame: OutgoingFrame) {
    let bytes = bytes(of: frame)
    do throws(ClockworkError) {
      let count = try socket.writeAtOnce(bytes)
      let isLeft = outbox.withLock { outbox -> Bool in
        outbox.isWriting = false
        if count < bytes.count { outbox.rest = Array(bytes[count...]) }
        return !outbox.rest.isEmpty || !outbox.frames.isEmpty || outbox.isClosing
      }
      if isLeft { wakeUp.signal() }
    } catch {
      outbox.withLock { $0.isWriting = false }
      fail()
    }
  }

  /// Sends what waits, and ends the link. Returns at once; see ``waitUntilEnded(_:)``.
  func close() {
    outbox.withLock { $0.isClosing = true }
    wakeUp.signal()
  }

  /// - Returns: whether the link had ended before `time` was over.
  func waitUntilEnded(_ time: Duration) -> Bool {
    guard ended.wait(timeout: .now() + .nanoseconds(Int(Nanoseconds(time)))) == .success else { return false }
    ended.signal()
    return true
  }

  /// Whether frames can still be sent.
  var isOpen: Bool { outbox.withLock { !$0.isClosing } }

  var clockDelta: ClockDelta { estimate.withLock { $0.delta } }

  // MARK: Threads

  private func readAll() {
    ProcessorThreads.runsWhenWoken()
    var reader = FrameReader(socket, rules: rules)
    var failure: (any Error)?
    do {
      while let frame = try reader.next(clock: clock, onPreHeader: learn) {
        if outbox.withLock({ $0.isClosing }) { break }
        try receiver.receive(frame, over: self)
      }
    } catch {
      // What fails once we are closing is no news.
      if !outbox.withLock({ $0.isClosing && !$0.hasFailed }) { failure = error }
    }
    if outbox.withLock({ $0.hasFailed }) {
      failure = failure ?? ClockworkError.peerTooSlow(waitingBytes: Self.outboxLimit)
    }
    receiver.linkEnded(self, because: failure)
    close()
    _ = written.wait(timeout: .now() + .nanoseconds(Int(Nanoseconds(Self.writeTimeout + .seconds(1)))))
    drain()
    ended.signal()
  }

  private func learn(_ preHeader: PreHeader) -> ClockDelta {
    let now = clock.now()
    return estimate.withLock { estimate in
      estimate.update(received: now, sent: preHeader.sent, peerDelay: preHeader.delay)
      return estimate.delta
    }
  }

  /// Reads what the peer still sends: a socket closed before that answers it with RST.
  private func drain() {
    socket.setReadTimeout(.milliseconds(100))
    let deadline = ContinuousClock.now + Self.drainTime
    var rest = [UInt8](repeating: 0, count: 1 << 16)
    while ContinuousClock.now < deadline {
      let count = rest.withUnsafeMutableBytes { bytes in
        Result { () throws(ClockworkError) in try socket.read(into: bytes) }
      }
      switch count {
      case .success(0): return
      case .success: continue
      case .failure(.timedOut): continue
      case .failure: return
      }
    }
  }

  private func writeAll() {
    defer { written.signal() }
    ProcessorThreads.runsWhenWoken()
    while true {
      // A bound, should a signal ever be lost.
      _ = wakeUp.wait(timeout: .now() + .seconds(10))
      let turn = outbox.withLock { outbox -> (rest: [UInt8], frames: [OutgoingFrame], isLast: Bool)? in
        // Who writes wakes us when there is anything left to do.
        if outbox.isWriting { return nil }
        outbox.isWriting = true
        defer { (outbox.rest, outbox.frames, outbox.byteCount) = ([], [], 0) }
        return (outbox.rest, outbox.frames, outbox.isClosing)
      }
      guard let turn else { continue }
      do throws(ClockworkError) {
        try socket.write(turn.rest)
        for frame in turn.frames { try socket.write(bytes(of: frame)) }
      } catch {
        outbox.withLock { $0.isWriting = false }
        return fail()
      }
      let isMore = outbox.withLock { outbox -> Bool in
        outbox.isWriting = false
        return !outbox.frames.isEmpty || (outbox.isClosing && !turn.isLast)
      }
      if isMore { wakeUp.signal() }
      if turn.isLast {
        socket.finishWriting()
        // The reader waits for the peer's own end only so long.
        socket.setReadTimeout(Self.drainTime)
        return
      }
    }
  }

  /// Made when they are written, for they carry the time.
  private func bytes(of frame: OutgoingFrame) -> [UInt8] {
    let delay = estimate.withLock { $0.delay }
    let preHeader = PreHeader(
      headerByteCount: UInt64(frame.header.count), bodyByteCount: UInt64(frame.body.count), type: frame.type,
      messageID: frame.messageID, sent: clock.now(), delay: delay)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(frame.byteCount)
    bytes += preHeader.bytes
    bytes += frame.header
    bytes += frame.body
    return bytes
  }

  private func fail() {
    outbox.withLock { outbox in
      outbox.isClosing = true
      outbox.hasFailed = true
    }
    wakeUp.signal()
    socket.interrupt()
  }
}
