import NIOCore
import Synchronization
import Wire

/// `grpc.health.v1.Health`: whether the server, and each thing it serves under a name, can be called. Thread-safe.
///
/// Names are what callers agree on: the empty one is the server as a whole, others services or models.
public final class HealthService: Sendable {
  public enum ServingStatus: Int, Sendable {
    case unknown = 0
    case serving = 1
    case notServing = 2
    /// Told to those who watch a name that nobody has set.
    case serviceUnknown = 3
  }

  private struct State {
    var statuses: [String: ServingStatus] = [:]
    var watchers: [ObjectIdentifier: Watcher] = [:]
    var isDraining = false
  }

  /// Guards the table and who watches it.
  private let state = Mutex(State())

  public init() {}

  /// Nil takes the name away.
  public func set(_ name: String, _ status: ServingStatus?) {
    let watchers: [Watcher] = state.withLock {
      guard !$0.isDraining, $0.statuses[name] != status else { return [] }
      $0.statuses[name] = status
      return $0.watchers.values.filter { $0.name == name }
    }
    for watcher in watchers { watcher.tell(status ?? .serviceUnknown) }
  }

  public func status(of name: String) -> ServingStatus? { state.withLock { $0.statuses[name] } }

  /// Adds both methods.
  public func add(to router: inout Router) {
    router.add("/grpc.health.v1.Health/Check") { [self] call in check(call) }
    router.add("/grpc.health.v1.Health/Watch", Watch(service: self))
  }

  private func check(_ call: Call) {
    do {
      let name = try Self.name(in: call.message)
      guard let status = status(of: name) else { return call.fail(Status(.notFound, "unknown service \(name)")) }
      call.respond(Self.response(status))
    } catch {
      call.fail(error)
    }
  }

  private struct Watch: StreamingHandler {
    let service: HealthService

    func handle(_ call: StreamingCall) {
      call.events.onMessage = { [service, unowned call] message in
        do throws(Status) {
          service.watch(try HealthService.name(in: message), call)
        } catch {
          call.finish(error)
        }
      }
    }

    func drain() { service.drain() }
  }

  private func watch(_ name: String, _ call: StreamingCall) {
    let watcher = Watcher(name: name, call: call)
    let id = ObjectIdentifier(watcher)
    call.events.onMessage = { [unowned call] _ in
      call.finish(Status(.invalidArgument, "one request starts a watch, further ones are not expected"))
    }
    call.events.onEnd = { [self] in state.withLock { _ = $0.watchers.removeValue(forKey: id) } }
    let (status, isDraining) = state.withLock {
      $0.watchers[id] = watcher
      return ($0.statuses[name] ?? .serviceUnknown, $0.isDraining)
    }
    watcher.tell(status)
    if isDraining { watcher.end() }
  }

  /// Everything is told as not serving, and watches end: the server is about to stop.
  private func drain() {
    let watchers: [Watcher] = state.withLock {
      $0.isDraining = true
      for name in $0.statuses.keys { $0.statuses[name] = .notServing }
      return Array($0.watchers.values)
    }
    for watcher in watchers {
      watcher.tell(.notServing)
      watcher.end()
    }
  }

  /// One call that watches a name.
  private final class Watcher: Sendable {
    let name: String
    private let call: NIOLoopBound<StreamingCall>
    private let eventLoop: any EventLoop

    init(name: String, call: StreamingCall) {
      self.name = name
      self.call = NIOLoopBound(call, eventLoop: call.eventLoop)
      eventLoop = call.eventLoop
    }

    func tell(_ status: ServingStatus) {
      let call = call
      eventLoop.execute { call.value.send(HealthService.response(status)) }
    }

    func end() {
      let call = call
      eventLoop.execute { call.value.finish(Status(.unavailable, "the server is stopping")) }
    }
  }

  // MARK: Messages

  /// `HealthCheckRequest.service`.
  private static func name(in message: ByteBuffer) throws(Status) -> String {
    try MessageFields.read(message).last { $0.number == 1 }?.text ?? ""
  }

  private static func response(_ status: ServingStatus) -> ByteBuffer {
    var writer = ProtobufWriter()
    writer.append(field: 1, varint: UInt64(status.rawValue))
    return ByteBuffer(bytes: writer.bytes)
  }
}
