import Foundation
import Synchronization
import Wire

/// A client of a Clockwork controller, ours or Clockwork's own.
///
/// Requests may be many at once, from any thread; responses come in any order.
public final class ClockworkClient: Sendable {
  public struct Model: Sendable, Equatable {
    public let ids: Range<UInt32>
    /// Bytes of one item.
    public let inputSize: Int
    public let outputSize: Int
  }

  /// Told once, on the connection's thread, which must not be kept.
  public typealias Completion = @Sendable (Result<[UInt8], ClockworkError>) -> Void

  private let link: FrameLink
  private let pending: PendingResponses

  private static let rules = FrameRules(
    what: "a response", types: 101...105, hasBody: { ClockworkResponse.hasBody(frameType: $0) },
    headerLimit: 10 << 20)

  /// Connects.
  public init(host: String, port: UInt16 = 12346, clock: NodeClock = NodeClock()) throws(ClockworkError) {
    pending = PendingResponses()
    let socket = try TCPSocket.connect(host: host, port: port)
    link = FrameLink(socket, rules: Self.rules, clock: clock, name: "clockwork client", receiver: pending)
  }

  /// Closes the connection in good order. Requests that were not answered fail.
  public func close() {
    link.close()
    _ = link.waitUntilEnded(.seconds(5))
  }

  /// Has all workers load a model.
  /// - Throws: ``ClockworkError/refused(status:message:)`` in the workers' words.
  public func load(_ path: String, copies: Int = 1, within seconds: Double = 600) throws(ClockworkError) -> Model {
    let request = ClockworkRequest.loadRemoteModel(.init(path: path, copies: Int32(clamping: copies)))
    guard case .loadRemoteModel(let response) = try call(request, within: seconds) else {
      throw .violation("another response than asked for")
    }
    guard response.copiesCreated > 0, Int64(response.modelID) + Int64(response.copiesCreated) <= Int64(UInt32.max)
    else {
      throw .violation("\(response.copiesCreated) copies from id \(response.modelID)")
    }
    return Model(
      ids: response.modelID..<(response.modelID + UInt32(response.copiesCreated)),
      inputSize: Int(clamping: response.inputSize), outputSize: Int(clamping: response.outputSize))
  }

  /// The models that can be used, with the paths that they were loaded from; `nil` while the controller is starting.
  public func list(within seconds: Double = 30) throws(ClockworkError) -> [(path: String, model: Model)]? {
    do throws(ClockworkError) {
      guard case .list(let response) = try call(.list(.init()), within: seconds) else {
        throw .violation("another response than asked for")
      }
      return response.models.map { model in
        (
          model.path,
          Model(
            ids: model.modelID..<(model.modelID &+ 1), inputSize: Int(clamping: model.inputSize),
            outputSize: Int(clamping: model.outputSize))
        )
      }
    } catch {
      if case .refused(ClientStatus.initializing, _) = error { return nil }
      throw error
    }
  }

  /// Has a model answer for one item.
  ///
  /// - Parameters:
  ///   - input: the bytes of all its inputs, one after the other; they are compressed on the caller's thread.
  ///   - sloFactor: the deadline as a multiple of what the model takes for one item; 0 for the controller's default.
  ///   - completion: gets the bytes of all outputs, one after the other.
  public func infer(model: UInt32, input: [UInt8], sloFactor: Float = 0, completion: @escaping Completion) {
    do {
      infer(model: model, compressed: try Self.compressed(input), sloFactor: sloFactor, completion: completion)
    } catch { completion(.failure(error)) }
  }

  /// As ``infer(model:input:sloFactor:completion:)``, with an input that ``compressed(_:)`` has made ready before.
  public func infer(model: UInt32, compressed input: [UInt8], sloFactor: Float = 0, completion: @escaping Completion) {
    send(.infer(.init(modelID: model, sloFactor: sloFactor)), body: input) { result in
      completion(result.map { $0.body.withUnsafeBytes { Array($0) } })
    }
  }

  /// One item's input as it is sent.
  public static func compressed(_ input: [UInt8]) throws(ClockworkError) -> [UInt8] {
    if input.isEmpty { return [] }
    do { return try input.withUnsafeBytes { try LZ4Block.compress($0) } } catch {
      throw .malformedFrame(reason: "\(error)")
    }
  }

  public func infer(model: UInt32, input: [UInt8], sloFactor: Float = 0) async throws -> [UInt8] {
    try await withCheckedThrowingContinuation { continuation in
      infer(model: model, input: input, sloFactor: sloFactor) { continuation.resume(with: $0) }
    }
  }

  // MARK: Requests

  typealias Response = (response: ClockworkResponse, body: OwnedBytes)

  func call(_ request: ClockworkRequest, within seconds: Double) throws(ClockworkError) -> ClockworkResponse {
    let box = Box<Result<Response, ClockworkError>>()
    send(request, body: []) { box.put($0) }
    guard let result = box.wait(seconds) else { throw .timedOut(what: "request to the controller", seconds: seconds) }
    return try result.get().response
  }

  func send(
    _ request: ClockworkRequest, body: [UInt8],
    completion: @escaping @Sendable (Result<Response, ClockworkError>) -> Void
  ) {
    let id = pending.add(expecting: request.frameType + 100, completion)
    let frame = OutgoingFrame(type: request.frameType, messageID: id, header: request.serialized(), body: body)
    if !link.send(frame) { pending.fail(id, .connectionClosed) }
  }
}

/// Pairs responses with requests.
private final class PendingResponses: FrameReceiver {
  typealias Completion = @Sendable (Result<ClockworkClient.Response, ClockworkError>) -> Void

  /// Guards the requests that wait for a response.
  private let state = Mutex<(waiting: [UInt64: (type: UInt64, completion: Completion)], next: UInt64)>(([:], 0))

  func add(expecting type: UInt64, _ completion: @escaping Completion) -> UInt64 {
    state.withLock { state in
      defer { state.next += 1 }
      state.waiting[state.next] = (type, completion)
      return state.next
    }
  }

  func fail(_ id: UInt64, _ error: ClockworkError) {
    state.withLock { $0.waiting.removeValue(forKey: id) }?.completion(.failure(error))
  }

  func receive(_ frame: IncomingFrame, over link: FrameLink) throws {
    guard let (type, completion) = state.withLock({ $0.waiting.removeValue(forKey: frame.messageID) }) else {
      throw Violation("a response to request \(frame.messageID), which is unknown or has been answered")
    }
    guard frame.type == type else {
      completion(.failure(.violation("a response of type \(frame.type), not \(type)")))
      throw Violation("a response of type \(frame.type), not \(type)")
    }
    let response: ClockworkResponse
    do {
      response = try frame.header.withUnsafeBytes { try ClockworkResponse(frameType: frame.type, header: $0) }
    } catch {
      completion(.failure(.malformedFrame(reason: "\(error)")))
      throw error
    }
    let header = response.header
    completion(
      header.status == ClientStatus.success
        ? .success((response, frame.body)) : .failure(.refused(status: header.status, message: header.message)))
  }

  func linkEnded(_ link: FrameLink, because error: (any Error)?) {
    let waiting = state.withLock { state in
      defer { state.waiting = [:] }
      return state.waiting.sorted { $0.key < $1.key }.map(\.value.completion)
    }
    for completion in waiting { completion(.failure(error as? ClockworkError ?? .connectionClosed)) }
  }
}
