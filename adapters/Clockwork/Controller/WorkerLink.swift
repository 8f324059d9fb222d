import Foundation
import Synchronization
import Wire

/// A controller's connection to one worker: sends actions and pairs results with them, strictly.
///
/// Anything that a worker must not do ends the connection, see ``ResultCheck``.
final class WorkerLink: FrameReceiver {
  enum Answer: Sendable {
    /// Answers of some items; the result is still to come.
    case items(ClockworkResult.InferItems, body: OwnedBytes)
    case result(ClockworkResult, body: OwnedBytes)
    /// There will be no result.
    case lost(ClockworkError)
  }

  typealias Handler = @Sendable (Answer) -> Void

  let clock: NodeClock
  private let check: ResultCheck
  private let onEnd: @Sendable ((any Error)?) -> Void
  private let link = Mutex<FrameLink?>(nil)
  /// Guards the actions on their way, and what was learnt from answers.
  private let state = Mutex(State())

  private struct State {
    var outstanding: [Int32: (action: SentAction, handler: Handler)] = [:]
    var nextID: Int32 = 0
    var outputSizes: [Int32: Int] = [:]
    /// Whether the worker has had no chance yet to know our clock.
    var isFirst = true
    var hasEnded = false
  }

  static let rules = FrameRules(
    what: "a result", types: 100...106, moreTypes: [1000], hasBody: { ClockworkResult.hasBody(frameType: $0) },
    headerLimit: 10 << 20)

  /// Connects.
  ///
  /// - Parameter onEnd: told once when the connection has ended, with the reason if it was not in good order; actions on
  ///   their way have been told that they are lost.
  init(
    host: String, port: UInt16, clock: NodeClock, check: ResultCheck = ResultCheck(),
    onEnd: @escaping @Sendable ((any Error)?) -> Void = { _ in }
  ) throws(ClockworkError) {
    self.clock = clock
    self.check = check
    self.onEnd = onEnd
    let socket = try TCPSocket.connect(host: host, port: port)
    let link = FrameLink(socket, rules: Self.rules, clock: clock, name: "worker \(host):\(port)", receiver: self)
    self.link.withLock { $0 = link }
  }

  /// Closes the connection in good order.
  func close() { link.withLock { $0 }?.close() }

  func waitUntilEnded(_ time: Duration) -> Bool { link.withLock { $0 }?.waitUntilEnded(time) ?? true }

  /// Sends an action. `handler` is called on the link's reading thread, the last time with a result or a loss.
  ///
  /// - Parameter action: makes it, given its id.
  @discardableResult
  func send(body: [UInt8] = [], _ action: (Int32) -> ClockworkAction, handler: @escaping Handler) -> ClockworkAction {
    let (made, isAccepted) = state.withLock { state -> (ClockworkAction, Bool) in
      let made = action(state.nextID)
      if state.hasEnded { return (made, false) }
      state.nextID &+= 1
      let outputSize: Int? = if case .infer(let infer) = made { state.outputSizes[infer.modelID] } else { nil }
      state.outstanding[made.actionID] = (
        SentAction(action: made, sent: clock.now(), hasInputs: !body.isEmpty, outputSize: outputSize), handler
      )
      // In here, so that ids ascend on the wire.
      _ = link.withLock { $0 }?.send(OutgoingFrame(type: made.frameType, header: made.serialized(), body: body))
      return (made, true)
    }
    if !isAccepted { handler(.lost(.connectionClosed)) }
    return made
  }

  /// Sends an action and waits for its result.
  func call(
    body: [UInt8] = [], within seconds: Double = 30, _ action: (Int32) -> ClockworkAction
  ) throws(ClockworkError) -> (result: ClockworkResult, body: OwnedBytes) {
    let box = Box<Answer>()
    let sent = send(body: body, action) { answer in
      if case .items = answer { return }
      box.put(answer)
    }
    guard let answer = box.wait(seconds) else {
      throw .timedOut(what: "action \(sent.actionID), a \(sent.kind)", seconds: seconds)
    }
    switch answer {
    case .result(let result, let body): return (result, body)
    case .lost(let error): throw error
    case .items: throw .violation("answers of items are no result")
    }
  }

  // MARK: Frames

  func receive(_ frame: IncomingFrame, over link: FrameLink) throws {
    let result = try frame.header.withUnsafeBytes { try ClockworkResult(frameType: frame.type, header: $0) }
    let handler = try state.withLock { state -> Handler in
      guard let (action, handler) = state.outstanding[result.actionID] else {
        throw Violation("a result for action \(result.actionID), which is unknown or has been answered: \(result)")
      }
      let interval = ResultCheck.Interval(sent: action.sent, received: frame.received)
      try check.check(
        result, bodyByteCount: frame.body.byteCount, for: action, during: state.isFirst ? nil : interval)
      if case .inferItems(let items) = result {
        state.outstanding[result.actionID]?.action.answeredItems.formUnion(items.items)
        return handler
      }
      state.isFirst = false
      state.outstanding[result.actionID] = nil
      Self.learn(from: result, action.action, in: &state)
      return handler
    }
    if case .inferItems(let items) = result {
      handler(.items(items, body: frame.body))
    } else {
      handler(.result(result, body: frame.body))
    }
  }

  private static func learn(from result: ClockworkResult, _ action: ClockworkAction, in state: inout State) {
    switch (result, action) {
    case (.loadModelFromDisk(let result), .loadModelFromDisk(let action)):
      for copy in 0..<result.copiesCreated { state.outputSizes[action.modelID + copy] = Int(result.outputSize) }
    case (.getWorkerState(let result), _):
      for model in result.state.models { state.outputSizes[model.id] = Int(model.outputSize) }
    default: break
    }
  }

  func linkEnded(_ link: FrameLink, because error: (any Error)?) {
    let handlers = state.withLock { state in
      state.hasEnded = true
      defer { state.outstanding = [:] }
      return state.outstanding.sorted { $0.key < $1.key }.map(\.value.handler)
    }
    let reason: ClockworkError =
      switch error {
      case let error as ClockworkError: error
      case let violation as Violation: .violation(violation.description)
      case let error?: .malformedFrame(reason: "\(error)")
      case nil: .connectionClosed
      }
    for handler in handlers { handler(.lost(reason)) }
    onEnd(error.map { _ in reason })
  }
}
