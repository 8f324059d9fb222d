import Dispatch
import Foundation
import Synchronization

/// `apparate prepare` in a process of its own: at the lowest priority, held while requests come as a ``Pacer`` says, and
/// without a chance to take the server with it.
final class PreparationProcess: Sendable {
  let program: URL
  let arguments: [String]
  let share: Double
  let timeLimit: Duration

  private struct State {
    var isCancelled = false
    var running: pid_t?
  }
  /// Guards what runs, so that it can be ended from anywhere.
  private let state = Mutex(State())

  init(program: URL, arguments: [String], share: Double, timeLimit: Duration) {
    self.program = program
    self.arguments = arguments
    self.share = share
    self.timeLimit = timeLimit
  }

  enum Outcome: Sendable, Equatable {
    case done
    /// With its last words.
    case failed(String)
    case cancelled
  }

  /// How often requests are looked for.
  private static let step = DispatchTimeInterval.milliseconds(20)

  /// Runs to the end. Blocks.
  ///
  /// - Parameter requests: how many there were so far.
  func run(requests: () -> UInt64) -> Outcome {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let words = Pipe()
    process.standardError = words
    let said = Words()
    let isSilent = DispatchSemaphore(value: 0)
    words.fileHandleForReading.readabilityHandler = { handle in
      let data = handle.availableData
      said.add(data)
      guard data.isEmpty else { return }
      handle.readabilityHandler = nil
      isSilent.signal()
    }
    defer { words.fileHandleForReading.readabilityHandler = nil }
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    do {
      let isStarted = try state.withLock { state in
        guard !state.isCancelled else { return false }
        try process.run()
        state.running = process.processIdentifier
        return true
      }
      guard isStarted else { return .cancelled }
    } catch { return .failed("\(program.path) cannot be run: \(error.localizedDescription)") }
    defer { state.withLock { $0.running = nil } }

    let start = ContinuousClock.now
    var pacer = Pacer(share: share, start: start)
    var (isStopped, last) = (false, requests())
    while ended.wait(timeout: .now() + Self.step) == .timedOut {
      if ContinuousClock.now - start > timeLimit {
        kill(process.processIdentifier, SIGKILL)
        ended.wait()
        return .failed("it took longer than \(timeLimit)")
      }
      let count = requests()
      let mayRun = pacer.mayRun(at: .now, hasRequests: count != last)
      last = count
      if mayRun == isStopped {
        kill(process.processIdentifier, mayRun ? SIGCONT : SIGSTOP)
        isStopped = !mayRun
      }
    }
    if state.withLock({ $0.isCancelled }) { return .cancelled }
    if process.terminationStatus == 0 { return .done }
    // Its end may be known before its last words are. Bounded: a child of its own may hold the pipe open.
    _ = isSilent.wait(timeout: .now() + .seconds(1))
    return .failed(said.last)
  }

  /// Ends it here and now, also when it is held: nothing of it may outlive the server.
  func cancel() {
    state.withLock { state in
      state.isCancelled = true
      if let running = state.running { kill(running, SIGKILL) }
    }
  }

  /// The end of what a process says.
  private final class Words: Sendable {
    private static let limit = 4096
    private let text = Mutex<[UInt8]>([])

    func add(_ data: Data) { text.withLock { $0 = ($0 + data).suffix(Self.limit) } }

    var last: String {
      let lines = String(decoding: text.withLock { $0 }, as: UTF8.self).split(whereSeparator: \.isNewline)
      return lines.last.map { String($0).replacing("apparate: error: ", with: "") } ?? "it said nothing"
    }
  }
}
