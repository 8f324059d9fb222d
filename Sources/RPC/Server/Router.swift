/// Handles unary calls. Called on the event loop of the call's connection, which must not be blocked: hand work that
/// takes more than some tens of microseconds to a thread of its own, and answer from there.
public protocol UnaryHandler: Sendable {
  func handle(_ call: Call)
}

/// Handles calls with several messages. Called on the event loop of the call's connection.
public protocol StreamingHandler: Sendable {
  /// Sets `call.events`. Messages follow.
  func handle(_ call: StreamingCall)

  /// The server is being drained: end calls that would stay open for ever. Called on any thread.
  func drain()
}

extension StreamingHandler {
  public func drain() {}
}

/// Which handler has which method.
public struct Router: Sendable {
  enum Route: Sendable {
    case unary(any UnaryHandler)
    case streaming(any StreamingHandler)
    /// Whatever kind of method it is: frames pass as they come.
    case forward(Upstream)
  }

  private(set) var routes: [String: Route] = [:]

  /// Where methods without a handler go; nil: they are `UNIMPLEMENTED`.
  public var fallback: Upstream?

  public init() {}

  /// - Parameter path: `/package.Service/Method`. A later handler takes the place of an earlier one.
  public mutating func add(_ path: String, _ handler: any UnaryHandler) { routes[path] = .unary(handler) }

  public mutating func add(_ path: String, _ handler: any StreamingHandler) { routes[path] = .streaming(handler) }

  public mutating func add(_ path: String, handle: @escaping @Sendable (Call) -> Void) {
    routes[path] = .unary(Closure(body: handle))
  }

  func route(_ path: String) -> Route? { routes[path] ?? fallback.map(Route.forward) }

  func drain() {
    for case .streaming(let handler) in routes.values { handler.drain() }
  }

  private struct Closure: UnaryHandler {
    let body: @Sendable (Call) -> Void
    func handle(_ call: Call) { body(call) }
  }
}
