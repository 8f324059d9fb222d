import Foundation
import Synchronization
import Wire

/// A small controller: takes clients' requests and has workers answer them in time. For one machine and for tests; it
/// speaks Clockwork's protocols on both sides and is strict about everything that a worker could get wrong.
public final class ControllerServer: Sendable {
  private let core: ControllerCore
  private let log: @Sendable (String) -> Void
  private let clock: NodeClock
  private let listener = Mutex<TCPListener?>(nil)
  /// Guards the clients' connections.
  private let links = Mutex<[ObjectIdentifier: FrameLink]>([:])

  private static let connectionLimit = 1024

  static let rules = FrameRules(
    what: "a request", types: 1...5, hasBody: { ClockworkRequest.hasBody(frameType: $0) })

  /// Connects to all workers, asks what they have, and listens for clients from then on.
  public init(
    configuration: ControllerConfiguration, clock: NodeClock = NodeClock(), log: @escaping @Sendable (String) -> Void
  ) throws(ClockworkError) {
    try configuration.validate()
    self.clock = clock
    self.log = log
    core = try ControllerCore(configuration: configuration, clock: clock, log: log)
    do throws(ClockworkError) {
      let listener = try TCPListener(
        host: configuration.host, port: configuration.clientPort, name: "controller accept"
      ) { [weak self] in self?.accept($0) }
      self.listener.withLock { $0 = listener }
    } catch {
      core.stop()
      throw error
    }
  }

  /// Where it listens for clients.
  public var port: UInt16 { listener.withLock { $0?.port ?? 0 } }

  /// How many workers are connected.
  public var workerCount: Int { core.workerCount }

  /// What workers have done against the protocol so far.
  public var violations: [String] { core.violations }

  private func accept(_ socket: TCPSocket) {
    let session = ClientSession(core: core, log: log) { [weak self] link in
      self?.links.withLock { $0[ObjectIdentifier(link)] = nil }
    }
    let isAccepted = links.withLock { links in
      guard links.count < Self.connectionLimit else { return false }
      // In here, so that it is listed before it can end.
      let link = FrameLink(socket, rules: Self.rules, clock: clock, name: "client", receiver: session)
      links[ObjectIdentifier(link)] = link
      return true
    }
    if !isAccepted { log("controller: refused a client: there are \(Self.connectionLimit) already") }
  }

  /// Accepts no more, answers what waits with an error, and closes all connections. Bounded.
  public func stop() {
    listener.withLock { listener in
      listener?.stop()
      listener = nil
    }
    core.stop()
    let open = links.withLock { Array($0.values) }
    for link in open { link.close() }
    for link in open { _ = link.waitUntilEnded(.seconds(15)) }
  }
}

/// One client's connection.
private final class ClientSession: FrameReceiver {
  private let core: ControllerCore
  private let log: @Sendable (String) -> Void
  private let onEnd: @Sendable (FrameLink) -> Void

  init(
    core: ControllerCore, log: @escaping @Sendable (String) -> Void, onEnd: @escaping @Sendable (FrameLink) -> Void
  ) {
    self.core = core
    self.log = log
    self.onEnd = onEnd
  }

  func receive(_ frame: IncomingFrame, over link: FrameLink) throws {
    let request = try frame.header.withUnsafeBytes { try ClockworkRequest(frameType: frame.type, header: $0) }
    core.take(request, body: frame.body, from: ClientAddress(link: link, messageID: frame.messageID))
  }

  func linkEnded(_ link: FrameLink, because error: (any Error)?) {
    if let error { log("controller: client \(link.peer) was disconnected: \(error)") }
    onEnd(link)
  }
}

/// Where a response goes.
struct ClientAddress: Sendable {
  let link: FrameLink
  let messageID: UInt64

  func send(_ response: ClockworkResponse, body: [UInt8] = []) {
    link.send(
      OutgoingFrame(type: response.frameType, messageID: messageID, header: response.serialized(), body: body))
  }
}
