import Foundation
import Synchronization
import Wire

/// A worker that Clockwork's controllers can schedule: listens, takes actions, and answers each.
///
/// Frames that make no sense end their connection, with a line in the log, and disturb nothing else.
public final class WorkerServer: Sendable {
  private let worker: Worker
  private let log: @Sendable (String) -> Void
  private let clock: NodeClock
  private let listener: Mutex<TCPListener?>
  /// Guards the connections.
  private let links = Mutex<[ObjectIdentifier: FrameLink]>([:])
  /// The port that it listens on.
  public let port: UInt16

  private static let connectionLimit = 256

  private static let rules = FrameRules(
    what: "an action", types: 1...6, hasBody: { ClockworkAction.hasBody(frameType: $0) })

  /// Listens from now on.
  ///
  /// - Parameters:
  ///   - clock: of this node; another one only in tests.
  ///   - log: takes one line at a time, from any thread.
  public init(
    configuration: WorkerConfiguration, clock: NodeClock = NodeClock(), log: @escaping @Sendable (String) -> Void,
    servables: @escaping PagedServableLoader
  ) throws(ClockworkError) {
    try configuration.validate()
    self.clock = clock
    self.log = log
    let worker = Worker(configuration: configuration, clock: clock, log: log, servables: servables)
    self.worker = worker
    // Connections need `self`, which needs the port: those that come before it is there wait.
    let accepted = ConnectionInbox()
    do throws(ClockworkError) {
      let listener = try TCPListener(host: configuration.host, port: configuration.port, name: "clockwork accept") {
        accepted.put($0)
      }
      port = listener.port
      self.listener = Mutex(listener)
    } catch {
      worker.stop()
      throw error
    }
    accepted.open { [weak self] socket in self?.accept(socket) }
  }

  private func accept(_ socket: TCPSocket) {
    let peer = socket.peer
    let session = WorkerSession(worker: worker, log: log) { [weak self] link in
      self?.links.withLock { $0[ObjectIdentifier(link)] = nil }
    }
    let isAccepted = links.withLock { links in
      guard links.count < Self.connectionLimit else { return false }
      // In here, so that it is listed before it can end.
      let link = FrameLink(socket, rules: Self.rules, clock: clock, name: "clockwork \(peer)", receiver: session)
      links[ObjectIdentifier(link)] = link
      return true
    }
    log(
      isAccepted
        ? "clockwork: \(peer) connected"
        : "clockwork: refused \(peer): there are \(Self.connectionLimit) connections already")
  }

  /// What a controller would be told now.
  public var state: ClockworkWorkerState { worker.state }

  /// Accepts no more, ends what runs, answers what waits with an error, and closes all connections. Bounded.
  public func stop() {
    listener.withLock { listener in
      listener?.stop()
      listener = nil
    }
    worker.stop()
    let open = links.withLock { Array($0.values) }
    for link in open { link.close() }
    for link in open { _ = link.waitUntilEnded(.seconds(15)) }
  }
}

/// Holds connections until somebody takes them.
private final class ConnectionInbox: Sendable {
  private typealias Taker = @Sendable (TCPSocket) -> Void
  /// Guards the connections that wait, until there is somebody.
  private let state = Mutex<(waiting: [TCPSocket], taker: Taker?)>(([], nil))

  func put(_ socket: TCPSocket) {
    let taker = state.withLock { state -> Taker? in
      if state.taker == nil { state.waiting.append(socket) }
      return state.taker
    }
    taker?(socket)
  }

  func open(_ taker: @escaping @Sendable (TCPSocket) -> Void) {
    let waiting = state.withLock { state in
      defer { state = ([], taker) }
      return state.waiting
    }
    for socket in waiting { taker(socket) }
  }
}

/// One connection of a controller.
private final class WorkerSession: FrameReceiver {
  private let worker: Worker
  private let log: @Sendable (String) -> Void
  private let onEnd: @Sendable (FrameLink) -> Void
  private let isKnown = Atomic(false)

  init(
    worker: Worker, log: @escaping @Sendable (String) -> Void, onEnd: @escaping @Sendable (FrameLink) -> Void
  ) {
    self.worker = worker
    self.log = log
    self.onEnd = onEnd
  }

  func receive(_ frame: IncomingFrame, over link: FrameLink) throws {
    let action = try frame.header.withUnsafeBytes { try ClockworkAction(frameType: frame.type, header: $0) }
    // A controller begins by assuming that devices are empty. Not before its first sound action: anybody can connect.
    if !isKnown.exchange(true, ordering: .relaxed) { worker.dropAllWeights() }
    worker.perform(action, body: frame.body, pending: PendingAction(action, frame: frame, link: link))
  }

  func linkEnded(_ link: FrameLink, because error: (any Error)?) {
    log("clockwork: \(link.peer) \(error.map { "was disconnected: \($0)" } ?? "disconnected")")
    onEnd(link)
  }
}
