import Datasets
import EarlyExit
import Foundation
import ModelGraph
import OpenCLRuntime
import Serving
import Synchronization

/// Sends items to a servable when they are due, in batches of what waits, and notes when each answer was final.
///
/// The loop is open: an item's latency counts from when it was due, however late it could be sent, so a slow answer is not
/// hidden by the requests that it held up.
public struct Replayer: Sendable {
  public struct Options: Sendable {
    public var largestBatch = 1
    /// Batches that the servable holds at a time. With two it never waits for this thread.
    public var batchesInFlight = 2
    /// How long a batch may take at most.
    public var patience = 60.0

    public init() {}
  }

  private let servable: any Servable
  private let items: Items
  private let options: Options

  public init(_ servable: any Servable, items: Items, options: Options = Options()) throws(EvaluationError) {
    guard options.largestBatch >= 1 else {
      throw .invalidOption(name: "batch", expected: "at least 1", got: "\(options.largestBatch)")
    }
    guard options.batchesInFlight >= 1 else {
      throw .invalidOption(name: "batches in flight", expected: "at least 1", got: "\(options.batchesInFlight)")
    }
    self.servable = servable
    self.items = items
    self.options = options
  }

  /// Replays some items and waits for the last answer.
  ///
  /// - Parameters:
  ///   - positions: which items, in order.
  ///   - arrivals: when each is due, ascending, in seconds; nil for as fast as the servable takes them, and an item is then
  ///     due when it is sent.
  ///   - onFinish: called on the servable's thread at the end of each batch.
  /// - Returns: one for each position. Times are those of `arrivals`; without them they count from the start.
  public func replay(
    _ positions: [Int], arrivals: [Double]?, onFinish: @escaping @Sendable () -> Void = {}
  ) throws(EvaluationError) -> [ServedItem] {
    precondition(arrivals == nil || arrivals?.count == positions.count, "one arrival for each item")
    ProcessorThreads.wakesOnTime()
    ProcessorThreads.runsWhenWoken()
    let ledger = ReplayLedger(count: positions.count, onFinish: onFinish)
    let start = ContinuousClock.now
    let origin = arrivals?.first ?? 0
    func now() -> Double { start.duration(to: .now).inSeconds + origin }
    var next = 0
    var ended = 0
    while true {
      ended = ledger.ended(from: ended)
      if let error = ledger.failure { throw error }
      guard next < positions.count || ended < ledger.sent else { break }

      let room = ledger.sent - ended < options.batchesInFlight
      if room, next < positions.count, (arrivals?[next] ?? 0) <= now() {
        let time = now()
        var end = next + 1
        while end < positions.count, end - next < options.largestBatch, (arrivals?[end] ?? 0) <= time { end += 1 }
        send(next..<end, positions, arrivals, now: time, start: start, origin: origin, ledger)
        next = end
        continue
      }
      // Until the next arrival where a batch could be sent, else until a batch ends.
      let due = room && next < positions.count ? (arrivals?[next] ?? 0) - now() : options.patience
      if !ledger.wait(atMost: due), !(room && next < positions.count) {
        throw .stuck(firstItem: positions[ledger.oldestOpen ?? 0], seconds: options.patience)
      }
    }
    return ledger.items
  }

  private func send(
    _ range: Range<Int>, _ positions: [Int], _ arrivals: [Double]?, now: Double, start: ContinuousClock.Instant,
    origin: Double, _ ledger: ReplayLedger
  ) {
    let inputs = items.batch(positions[range])
    let batch = ledger.open(range, due: range.map { arrivals?[$0] ?? now })
    let receiver = BatchReceiver(batch: batch, range: range, start: start, origin: origin, ledger: ledger)
    servable.submit(Batch(inputs: inputs, count: range.count), to: receiver)
  }
}

/// What is known of the items of a replay so far.
private final class ReplayLedger: Sendable {
  private struct State {
    var items: [ServedItem]
    var batches: [Range<Int>] = []
    var hasEnded: [Bool] = []
    var failure: EvaluationError?
  }

  /// Guards the items, which the servable's thread writes.
  private let state: Mutex<State>
  /// Signalled when a batch ends.
  private let ending = DispatchSemaphore(value: 0)

  private let onFinish: @Sendable () -> Void

  init(count: Int, onFinish: @escaping @Sendable () -> Void) {
    self.onFinish = onFinish
    let blank = ServedItem(
      arrival: 0, started: .nan, released: .nan, ended: .nan, exit: .final, answer: -1, batchSize: 0, policyVersion: 0)
    state = Mutex(State(items: Array(repeating: blank, count: count)))
  }

  var items: [ServedItem] { state.withLock { $0.items } }
  var failure: EvaluationError? { state.withLock { $0.failure } }
  var sent: Int { state.withLock { $0.batches.count } }
  var oldestOpen: Int? {
    state.withLock { state in state.hasEnded.firstIndex(of: false).map { state.batches[$0].lowerBound } }
  }

  /// - Returns: the number of the batch.
  func open(_ range: Range<Int>, due: [Double]) -> Int {
    state.withLock { state in
      state.batches.append(range)
      state.hasEnded.append(false)
      for (item, time) in zip(range, due) {
        state.items[item].arrival = time
        state.items[item].batchSize = range.count
      }
      return state.batches.count - 1
    }
  }

  /// How many batches have ended, when `known` had before: they end in the order in which they were sent.
  func ended(from known: Int) -> Int {
    state.withLock { state in
      var end = known
      while end < state.batches.count, state.hasEnded[end] { end += 1 }
      return end
    }
  }

  func book(_ range: Range<Int>, _ answers: Answers, at time: Double) {
    let classes = AnswerReader.answers(in: answers.outputs, rows: answers.items, count: range.count)
    state.withLock { state in
      guard let classes else {
        state.failure = state.failure ?? .noAnswer(outputs: answers.outputs.keys.sorted())
        return
      }
      for (row, answer) in zip(answers.items, classes) {
        state.items[range.lowerBound + row].released = time
        state.items[range.lowerBound + row].exit = answers.exit
        state.items[range.lowerBound + row].answer = answer
      }
    }
  }

  /// - Parameter outcome: when the device began.
  func close(_ batch: Int, _ outcome: Result<Double, ServingError>, at time: Double) {
    onFinish()
    state.withLock { state in
      let range = state.batches[batch]
      switch outcome {
      case .success(let started):
        for item in range {
          state.items[item].started = started
          state.items[item].ended = time
        }
      case .failure(let error):
        state.failure = state.failure ?? .batchFailed(firstItem: range.lowerBound, reason: error)
      }
      state.hasEnded[batch] = true
    }
    ending.signal()
  }

  /// False when no batch ended in time.
  func wait(atMost seconds: Double) -> Bool {
    ending.wait(timeout: .now() + .nanoseconds(Int(max(0, min(seconds, 3_600)) * 1e9))) == .success
  }
}

private final class BatchReceiver: AnswerReceiver {
  private let batch: Int
  private let range: Range<Int>
  private let start: ContinuousClock.Instant
  private let origin: Double
  private let ledger: ReplayLedger

  init(batch: Int, range: Range<Int>, start: ContinuousClock.Instant, origin: Double, ledger: ReplayLedger) {
    self.batch = batch
    self.range = range
    self.start = start
    self.origin = origin
    self.ledger = ledger
  }

  private var now: Double { time(.now) }

  private func time(_ instant: ContinuousClock.Instant) -> Double { start.duration(to: instant).inSeconds + origin }

  func receive(_ answers: Answers) { ledger.book(range, answers, at: now) }

  func finish(_ outcome: Result<BatchTiming, ServingError>) {
    ledger.close(batch, outcome.map { time($0.started) }, at: now)
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
