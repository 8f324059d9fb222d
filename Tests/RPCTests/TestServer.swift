import Foundation
import NIOCore
import NIOPosix
import RPC
import Synchronization
import Testing

/// All suites with servers, one test after the other: they share two event loops.
@Suite(.serialized) enum ServerTests {}

/// A server on loopback with methods that tests call, and a client for it.
struct TestServer {
  static let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
  /// No wait in a test is longer.
  static let patience = Duration.seconds(30)

  let server: Server
  let client: Client
  let cancellations: Inbox<Cancellation>
  let held: Inbox<Call>

  var port: Int {
    guard case .tcp(_, let port) = server.endpoints[0] else { return 0 }
    return port
  }

  /// Starts a server, lends it to `body`, and drains it.
  static func run(
    limits: ServerLimits = ServerLimits(), tls: ServerTLS? = nil, clientTLS: ClientTLS? = nil,
    on endpoint: Endpoint = .tcp(host: "127.0.0.1", port: 0), router change: (inout Router) -> Void = { _ in },
    body: (TestServer) async throws -> Void
  ) async throws {
    let cancellations = Inbox<Cancellation>()
    let held = Inbox<Call>()
    var router = Router()
    addMethods(to: &router, cancellations, held)
    change(&router)
    let server = try await Server.start(on: [endpoint], router: router, tls: tls, limits: limits, group: group)
    let client = Client(server.endpoints[0].named("localhost", if: tls != nil), tls: clientTLS, group: group)
    let test = TestServer(server: server, client: client, cancellations: cancellations, held: held)
    do {
      try await body(test)
    } catch {
      await client.shutDown()
      await server.drain(within: .zero)
      throw error
    }
    await client.shutDown()
    #expect(await server.drain(within: patience) == 0, "a connection had to be cut")
    held.removeAll()
    #expect(server.heldMessageBytes == 0, "bytes of requests are still counted")
  }

  private static func addMethods(
    to router: inout Router, _ cancellations: Inbox<Cancellation>, _ held: Inbox<Call>
  ) {
    router.add("/test.Echo/Echo") { call in
      var trailers: Metadata = [:]
      if let asked = call.metadata["x-ask"] { trailers.add("x-told", asked) }
      call.respond(call.message, metadata: ["apparate-exit": "2"], trailers: trailers)
    }
    router.add("/test.Echo/Pieces") { call in
      // A large piece between two small ones.
      let large = ByteBuffer(repeating: 7, count: 100_000)
      call.respond([ByteBuffer(bytes: [1, 2, 3]), large, ByteBuffer(bytes: [4, 5])])
    }
    router.add("/test.Echo/OtherThread") { call in
      Thread.detachNewThread { call.respond(call.message) }
    }
    router.add("/test.Echo/Twice") { call in
      call.respond(ByteBuffer(string: "first"))
      call.respond(ByteBuffer(string: "second"))
      call.fail(Status(.aborted, "third"))
    }
    router.add("/test.Echo/Fail") { call in
      call.fail(Status(.failedPrecondition, "Grüße: 100 %\nline 2"), metadata: ["x-reason": "test"])
    }
    router.add("/test.Echo/Forget") { _ in }
    router.add("/test.Echo/Hold") { call in
      call.onCancel { cancellations.put($0) }
      held.put(call)
    }
  }

  /// Calls with the patience of a test as deadline.
  func call(_ method: String, _ text: String = "", metadata: Metadata = [:]) async throws(Status) -> String {
    let message = ByteBuffer(string: text)
    let response = try await client.call(
      "/test.Echo/\(method)", message, metadata: metadata, timeout: Self.patience)
    return String(buffer: response.message)
  }

  /// Expects the method to answer with the message sent, or with `answer`.
  func expect(
    _ method: String, _ text: String, answer: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) async {
    do {
      let answered = try await call(method, text)
      #expect(answered == answer ?? text, sourceLocation: sourceLocation)
    } catch {
      Issue.record(error, sourceLocation: sourceLocation)
    }
  }

  // MARK: Other programs

  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Runs a program of the tests' Python environment, and expects it to succeed.
  ///
  /// - Returns: What it printed.
  @discardableResult
  static func python(_ arguments: [String], program: String = "python") async throws -> String {
    try await run(root.appending(path: ".build-python/bin/\(program)"), arguments)
  }

  /// Runs a program to its end, and kills it when that takes too long.
  @discardableResult
  static func run(_ program: URL, _ arguments: [String], expectSuccess: Bool = true) async throws -> String {
    let log = FileManager.default.temporaryDirectory.appending(path: "rpc-tests-\(UUID().uuidString)")
    try Data().write(to: log)
    defer { try? FileManager.default.removeItem(at: log) }
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    let output = try FileHandle(forWritingTo: log)
    process.standardOutput = output
    process.standardError = output
    let ended = Inbox<Int32>()
    process.terminationHandler = { ended.put($0.terminationStatus) }
    try process.run()
    let status = try? await ended.next()
    if status == nil { kill(process.processIdentifier, SIGKILL) }
    let text = String(decoding: (try? Data(contentsOf: log)) ?? Data(), as: UTF8.self)
    if expectSuccess {
      #expect(status == 0, "\(program.lastPathComponent) \(arguments.joined(separator: " "))\n\(text)")
    }
    return text
  }
}

extension Client {
  /// How a call with an empty message ends, within a test's patience.
  func outcome(_ path: String) async -> Status {
    do {
      _ = try await call(path, ByteBuffer(), timeout: TestServer.patience)
      return .ok
    } catch {
      return error
    }
  }

  /// Calls again and again until a call is answered, or ends otherwise than with `UNAVAILABLE`.
  func outcomeWhenAvailable(_ path: String) async -> Status {
    let deadline = ContinuousClock.now + TestServer.patience
    while true {
      let status = await outcome(path)
      guard status.code == .unavailable, ContinuousClock.now < deadline else { return status }
    }
  }
}

extension Endpoint {
  /// Certificates are made out to names.
  fileprivate func named(_ host: String, if condition: Bool) -> Endpoint {
    guard condition, case .tcp(_, let port) = self else { return self }
    return .tcp(host: host, port: port)
  }
}

extension ByteBuffer {
  /// Bytes that differ from their neighbours, and from those some powers of two away.
  static func pattern(_ count: Int) -> ByteBuffer {
    let period = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    var buffer = ByteBuffer()
    while buffer.readableBytes < count { buffer.writeBytes(period.prefix(count - buffer.readableBytes)) }
    return buffer
  }
}

/// Values that other threads put in, to be waited for one after the other.
final class Inbox<Value: Sendable>: Sendable {
  struct Timeout: Error {}

  private struct State {
    var values: [Value] = []
    var waiting: [EventLoopPromise<Value>] = []
  }

  private let state = Mutex(State())

  func put(_ value: Value) {
    let promise: EventLoopPromise<Value>? = state.withLock {
      if $0.waiting.isEmpty {
        $0.values.append(value)
        return nil
      }
      return $0.waiting.removeFirst()
    }
    promise?.succeed(value)
  }

  func removeAll() { state.withLock { $0.values = [] } }

  /// - Throws: `Timeout` when none comes within a test's patience.
  func next() async throws -> Value {
    let eventLoop = TestServer.group.next()
    let promise = eventLoop.makePromise(of: Value.self)
    let ready: Value? = state.withLock {
      if $0.values.isEmpty {
        $0.waiting.append(promise)
        return nil
      }
      return $0.values.removeFirst()
    }
    if let ready { promise.succeed(ready) }
    let timer = eventLoop.scheduleTask(in: TimeAmount(TestServer.patience)) { promise.fail(Timeout()) }
    defer { timer.cancel() }
    return try await promise.futureResult.get()
  }
}
