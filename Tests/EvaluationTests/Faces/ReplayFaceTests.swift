import Datasets
import EarlyExit
import Foundation
import ModelGraph
import OpenCLRuntime
import Serving
import Synchronization
import Testing

@testable import Evaluation

/// The same answers whatever stands in front of the engine.
@Suite struct ReplayFaceTests {
  private func engine(_ control: EarlyExitEngine.Control) throws -> EarlyExitEngine {
    let prepared = try PreparedTraffic.shared.get()
    return try engine(prepared.outcome.model, on: prepared.device, control)
  }

  private func engine(
    _ model: PreparedModel, on device: Device, _ control: EarlyExitEngine.Control
  ) throws -> EarlyExitEngine {
    var options = EarlyExitEngine.Options()
    options.control = control
    options.loading = PreparedTraffic.loading
    return try EarlyExitEngine(model, name: "model", device: device, options: options)
  }

  /// Faces wait for asynchronous servers: not on a thread of the pool that these need.
  private func offThePool(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
    }
  }

  /// Keeps what comes.
  private final class Kept: AnswerReceiver {
    let rows = Mutex<[Int: [UInt8]]>([:])
    let exits = Mutex<[Int: ExitPosition]>([:])
    let outcome = Mutex<Result<BatchTiming, ServingError>?>(nil)
    let ended = DispatchSemaphore(value: 0)

    func receive(_ answers: Answers) {
      for item in answers.items {
        let row = answers.outputs.sorted { $0.key < $1.key }.flatMap { _, tensor in
          let size = tensor.storage.byteCount / tensor.shape[0]
          return tensor.storage.withUnsafeBytes { Array($0[item * size..<(item + 1) * size]) }
        }
        rows.withLock { $0[item] = row }
        exits.withLock { $0[item] = answers.exit }
      }
    }

    func finish(_ outcome: Result<BatchTiming, ServingError>) {
      self.outcome.withLock { $0 = outcome }
      ended.signal()
    }
  }

  private func answers(
    of servable: any Servable, _ items: Items, batch size: Int
  ) throws -> (rows: [[UInt8]], exits: [ExitPosition]) {
    var (rows, exits): ([[UInt8]], [ExitPosition]) = ([], [])
    for first in stride(from: 0, to: items.count, by: size) {
      let range = first..<min(first + size, items.count)
      let kept = Kept()
      servable.submit(Batch(inputs: items.batch(range), count: range.count), to: kept)
      #expect(kept.ended.wait(timeout: .now() + 60) == .success)
      _ = try #require(kept.outcome.withLock { $0 }).get()
      for item in 0..<range.count {
        rows.append(try #require(kept.rows.withLock { $0[item] }))
        exits.append(try #require(kept.exits.withLock { $0[item] }))
      }
    }
    return (rows, exits)
  }

  /// A row tells where its item has left: every head rounds otherwise.
  private func expectTheSameBehindBothPlatforms(
    _ items: Items, batch: Int, ramps: [Int], _ engine: (EarlyExitEngine.Control) throws -> EarlyExitEngine
  ) throws {
    // Half of the items leave somewhere: thresholds as ramps' scores have it.
    let exits = ramps.map { ExitPolicy.Exit(ramp: RampID($0), threshold: 0.05) }
    let policy = EarlyExitEngine.Control.pinned(try ExitPolicy(version: 1, exits: exits))
    let direct = try answers(of: engine(policy), items, batch: batch)
    #expect(Set(direct.exits.map { "\($0)" }).count > 2, "too few kinds of exits to compare: \(direct.exits)")

    let behindTensorFlow = try FacedEngine(engine(policy), behind: .tfserving, items: items)
    defer { behindTensorFlow.end() }
    let answered = try answers(of: behindTensorFlow.servable, items, batch: batch)
    #expect(answered.rows == direct.rows && answered.exits == direct.exits)

    let behindClockwork = try FacedEngine(engine(policy), behind: .clockwork, items: items)
    defer { behindClockwork.end() }
    #expect(try answers(of: behindClockwork.servable, items, batch: batch).rows == direct.rows)
  }

  @Test(arguments: [1, 3, 16]) func bothPlatformsGiveTheEnginesBitsAndExits(batch: Int) async throws {
    try await offThePool {
      let items = try PreparedTraffic.items("stream", limit: 48)
      try expectTheSameBehindBothPlatforms(items, batch: batch, ramps: [0, 3, 6]) { try engine($0) }
    }
  }

  /// On sentences of three domains; the model is there once `.ci/fixtures` has made it.
  @Test(.enabled(if: PreparedSentiment.isThere), arguments: [1, 5, 16])
  func bothPlatformsGiveTheEnginesBitsAndExitsForTexts(batch: Int) async throws {
    try await offThePool {
      let prepared = try PreparedSentiment.shared.get()
      let items = try PreparedSentiment.items([("movie", 9000..<9012), ("amazon", 0..<12), ("tweets", 0..<12)])
      try expectTheSameBehindBothPlatforms(items, batch: batch, ramps: [0, 2, 4]) {
        try engine(prepared.outcome.model, on: prepared.device, $0)
      }
    }
  }

  @Test(arguments: [ReplayFace.tfserving, .clockwork]) func aReplayThroughAPlatformDecidesAsTheEngineDoes(
    face: ReplayFace
  ) async throws {
    try await offThePool {
      let prepared = try PreparedTraffic.shared.get()
      func replay(_ face: ReplayFace) throws -> ReplayRecord {
        var options = ReplayOptions()
        options.speed = .fast
        options.policy = .staticPerRamp
        options.face = face
        options.saturationItems = face == .engine ? 0 : 16
        let session = ReplaySession(
          prepared.outcome.model, name: "traffic", device: prepared.device, modelOptions: PreparedTraffic.loading,
          options: options)
        return try session.replay(
          try PreparedTraffic.items("stream", limit: 96), bootstrap: try PreparedTraffic.items("bootstrap"))
      }
      let (direct, faced) = (try replay(.engine), try replay(face))
      #expect(direct.served.contains { $0.exit != .final })
      #expect(faced.served.map(\.answer) == direct.served.map(\.answer))
      #expect(faced.served.map { "\($0.exit)" } == direct.served.map { "\($0.exit)" })
      #expect(faced.report().setup.face == face.rawValue)
      #expect(faced.saturation.count == 3 && faced.saturation.allSatisfy { $0.vanilla > 0 && $0.served > 0 })
    }
  }

  @Test func clockworkWantsItemsOfOneShape() throws {
    let ids = Tensor([Int64](repeating: 1, count: 6) + [1, 2, 0, 0, 0, 0], shape: [2, 6])
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).npy").path
    try NumPyFile.write(ids, to: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let items = try Items(
      [DataSelection(path: path)], inputs: [.init(name: "ids", type: .int64)],
      recipes: [try InputRecipe("ids=array | trim")])
    #expect(throws: EvaluationError.self) {
      try FacedEngine(engine(.pinned(.none)), behind: .clockwork, items: items)
    }
  }
}
