import Foundation
import Synchronization

/// A line on standard error that tells how far a piece of work is, shown only when the work takes more than a second.
///
/// On a terminal the line is redrawn in place, elsewhere a line is printed every few seconds. Thread-safe.
public final class Progress: Sendable {
  private struct State {
    var lastDrawn: ContinuousClock.Instant?
    var isDrawn = false
  }

  private let label: String
  private let started = ContinuousClock.now
  private let isTerminal = isatty(STDERR_FILENO) != 0
  /// Guards the state of the line.
  private let state = Mutex(State())

  /// - Parameter label: what is being done, e.g. "building kernels".
  public init(_ label: String) { self.label = label }

  /// Says that `done` of `total` steps are done.
  public func update(_ done: Int, of total: Int) {
    let now = ContinuousClock.now
    guard now - started > .seconds(1) else { return }
    state.withLock { state in
      let pause: Duration = isTerminal ? .milliseconds(100) : .seconds(5)
      if let last = state.lastDrawn, now - last < pause, done < total { return }
      state.lastDrawn = now
      state.isDrawn = true
      let text = "\(label): \(done) of \(total)"
      FileHandle.standardError.write(Data((isTerminal ? "\r\u{1B}[K\(text)" : "\(text)\n").utf8))
    }
  }

  /// Clears the line.
  public func finish() {
    state.withLock { state in
      if state.isDrawn, isTerminal { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
      state.isDrawn = false
    }
  }
}
