import Foundation
import Synchronization
import Testing
import Wire

@testable import ClockworkAdapter

/// What a worker does with connections that do not behave.
@Suite struct ConnectionTests {
  /// A connection without any manners of its own.
  private struct Raw {
    let socket: TCPSocket

    init(_ bench: Bench) throws {
      socket = try TCPSocket.connect(host: "127.0.0.1", port: bench.server.port)
      socket.setReadTimeout(.seconds(20))
    }

    /// Reads frames until the peer says that it is done.
    func results() throws -> [ClockworkResult] {
      var reader = FrameReader(socket, rules: WorkerLink.rules)
      var results: [ClockworkResult] = []
      while let frame = try reader.next(clock: NodeClock(), onPreHeader: { _ in ClockDelta(nanoseconds: 0) }) {
        results.append(try frame.header.withUnsafeBytes { try ClockworkResult(frameType: frame.type, header: $0) })
      }
      return results
    }
  }

  private static func frame(_ action: ClockworkAction, body: [UInt8] = []) -> [UInt8] {
    FrameReaderTests.frame(type: action.frameType, header: action.serialized(), body: body)
  }

  private static func next(_ reader: inout FrameReader<TCPSocket>) throws -> ClockworkResult {
    let frame = try #require(try reader.next(clock: NodeClock(), onPreHeader: { _ in ClockDelta(nanoseconds: 0) }))
    return try frame.header.withUnsafeBytes { try ClockworkResult(frameType: frame.type, header: $0) }
  }

  @Test func actionsMayComeByteByByte() throws {
    let bench = try Bench()
    try bench.load()
    let raw = try Raw(bench)
    let stream =
      Self.frame(.getWorkerState(.init(actionID: 0)))
      + Self.frame(.loadWeights(.init(actionID: 0, modelID: 0, gpuID: 0)))
    for byte in stream { try raw.socket.write([byte]) }
    var reader = FrameReader(raw.socket, rules: WorkerLink.rules)
    let kinds = [try Self.next(&reader), try Self.next(&reader)].map(\.kind)
    #expect(Set(kinds) == [.getWorkerState, .loadWeights], "in any order")
    for byte in Self.frame(.infer(.init(actionID: 7, modelID: 0, gpuID: 0)), body: TinyModels.inputs(1)) {
      try raw.socket.write([byte])
    }
    guard case .infer(let result) = try Self.next(&reader) else { throw Unexpected("no answer") }
    #expect(result.actionID == 7)
  }

  static let malformed: [(String, [UInt8])] = [
    ("an unknown type", FrameReaderTests.frame(type: 99, header: [8, 0])),
    ("type 0", FrameReaderTests.frame(type: 0, header: [8, 0])),
    ("a missing field", FrameReaderTests.frame(type: 2, header: [8, 0])),
    ("no header", FrameReaderTests.frame(type: 6, header: [])),
    ("a header that is none", FrameReaderTests.frame(type: 3, header: [UInt8](repeating: 0xFF, count: 64))),
    ("a body where none may be", FrameReaderTests.frame(type: 6, header: [8, 0], body: [1])),
    (
      "a header beyond all measure",
      PreHeader(headerByteCount: .max, bodyByteCount: 0, type: 6, messageID: 0, sent: 0, delay: 0).bytes
    ),
    (
      "a body beyond all measure",
      PreHeader(headerByteCount: 2, bodyByteCount: 1 << 62, type: 3, messageID: 0, sent: 0, delay: 0).bytes
    ),
  ]

  @Test(arguments: malformed)
  func aMalformedFrameEndsItsConnectionOnly(_ what: String, _ bytes: [UInt8]) throws {
    let bench = try Bench()
    try bench.load()
    let raw = try Raw(bench)
    try raw.socket.write(bytes)
    #expect(try raw.results().isEmpty, "\(what): ends in good order, without an answer")
    #expect(try bench.inferStatus(count: 1, TinyModels.inputs(1)) == 0, "\(what): another's weights are still there")
    let lines = bench.log.all.filter { $0.contains("was disconnected") }
    #expect(lines.count == 1, "\(what): \(bench.log.all)")
  }

  /// Frames of all kinds with random damage, on connections of their own, while a controller goes on working.
  @Test func damagedFramesDisturbNobody() throws {
    let bench = try Bench()
    try bench.load(copies: 1)
    var state: UInt64 = 42
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    // None of these is allowed to succeed in what another could notice, whatever the damage.
    let actions: [ClockworkAction] = [
      .loadWeights(.init(actionID: 1, modelID: 77, gpuID: 9)), .evictWeights(.init(actionID: 2, modelID: 78, gpuID: 9)),
      .infer(.init(actionID: 3, modelID: 79, gpuID: 9, batchSize: 2, inputSizes: [4, 5])),
      .loadModelFromDisk(.init(actionID: 4, modelID: 1000, path: "nothing/of/this/name")),
    ]
    for round in 0..<60 {
      let raw = try Raw(bench)
      var stream: [UInt8] = []
      for _ in 0..<(1 + random(3)) {
        let action = actions[random(actions.count)]
        let hasBody = ClockworkAction.hasBody(frameType: action.frameType)
        stream += Self.frame(action, body: hasBody ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : [])
      }
      for _ in 0..<(1 + random(4)) { stream[random(stream.count)] ^= UInt8(1 + random(255)) }
      if random(3) == 0 { stream.removeLast(random(stream.count)) }
      try? raw.socket.write(stream)
      raw.socket.finishWriting()
      _ = try? raw.results()
      if round % 20 == 19 {
        // A sound action of a stranger makes the worker drop weights, as for any new controller.
        _ = try bench.loadWeights(0)
        #expect(try bench.inferStatus(count: 1, TinyModels.inputs(1)) == 0)
      }
    }
    #expect(try bench.state().models.first?.id == 0)
  }

  /// A connection that ends with an action under way: it is done, and the answer goes nowhere.
  @Test func whoLeavesEarlyHarmsNobody() throws {
    let bench = try Bench()
    try bench.load()
    let raw = try Raw(bench)
    var reader = FrameReader(raw.socket, rules: WorkerLink.rules)
    try raw.socket.write(Self.frame(.loadWeights(.init(actionID: 1, modelID: 0, gpuID: 0))))
    guard case .loadWeights = try Self.next(&reader) else { throw Unexpected("no weights") }
    bench.gate.close()
    try raw.socket.write(Self.frame(.infer(.init(actionID: 2, modelID: 0, gpuID: 0)), body: TinyModels.inputs(1)))
    try bench.gate.waitForVisitor()
    raw.socket.finishWriting()
    _ = try raw.results()
    bench.gate.open()
    try bench.reconnect()
    try bench.state()
    #expect(try bench.loadWeights(0) == 0)
    #expect(try bench.inferStatus(count: 1, TinyModels.inputs(1)) == 0)
  }
}
