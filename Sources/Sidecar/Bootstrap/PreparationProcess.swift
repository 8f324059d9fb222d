import Dispatch
import Foundation
import Synchronization

/// `apparate prepare` in a process of its own: at the lowest priority, held while requests come as a ``Pacer`` says, and
/// without a chance to take the server with it.
struct PreparationProcess: Sendable {
  let program: URL
  let arguments: [String]
  let share: Double
  let timeLimit: Duration

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
  /// - Parameters:
  ///   - requests: how many there were so far.
  ///   - isCancelled: whether nobody wants the result any more.
  func run(requests: () -> UInt64, isCancelled: () -> Bool) -> Outcome {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let words = Pipe()
    process.standardError = words
    let said = Words()
    words.fileHandleForReading.readabilityHandler = { said.add($0.availableData) }
    defer { words.fileHandleForReading.readabilityHandler = nil }
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    do { try process.run() } catch { return .failed("\(program.path) cannot be run: \(error.localizedDescription)") }

    let start = ContinuousClock.now
    var pacer = Pacer(share: share, start: start)
    var (isStopped, last) = (false, requests())
    while ended.wait(timeout: .now() + Self.step) == .timedOut {
      if isCancelled() || ContinuousClock.now - start > timeLimit {
        kill(process.processIdentifier, SIGKILL)
        ended.wait()
        return isCancelled() ? .cancelled : .failed("it took longer than \(timeLimit)")
      }
      let count = requests()
      let mayRun = pacer.mayRun(at: .now, hasRequests: count != last)
      last = count
      if mayRun == isStopped {
        kill(process.processIdentifier, mayRun ? SIGCONT : SIGSTOP)
        isStopped = !mayRun
      }
    }
    return process.terminationStatus == 0 ? .done : .failed(said.last)
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
