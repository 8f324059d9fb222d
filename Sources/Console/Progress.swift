import Dispatch
import Foundation
import Synchronization

/// A line on standard error that tells how far a piece of work is and how long it has taken, shown only when the work
/// takes more than a second.
///
/// On a terminal the line is redrawn in place, elsewhere a line is printed every few seconds; also while the work makes
/// no steps, as when one large program is compiled. Thread-safe.
public final class Progress: Sendable {
  private struct State {
    /// Steps done and steps in all, once the work has begun.
    var steps: (done: Int, total: Int)?
    var started: ContinuousClock.Instant?
    var lastDrawn: ContinuousClock.Instant?
    var isDrawn = false
    var timer: (any DispatchSourceTimer)?
  }

  private let label: String
  private let isTerminal: Bool
  private let write: @Sendable (String) -> Void
  /// Guards the state of the line.
  private let state = Mutex(State())

  /// - Parameter label: what is being done, e.g. "building kernels".
  public convenience init(_ label: String) {
    self.init(label, isTerminal: isatty(STDERR_FILENO) != 0) { FileHandle.standardError.write(Data($0.utf8)) }
  }

  init(_ label: String, isTerminal: Bool, write: @escaping @Sendable (String) -> Void) {
    self.label = label
    self.isTerminal = isTerminal
    self.write = write
  }

  deinit { finish() }

  /// Says that `done` of `total` steps are done; the first call is when the work begins.
  public func update(_ done: Int, of total: Int) {
    state.withLock { state in
      state.steps = (done, total)
      if state.started == nil { state.started = .now }
      draw(&state, at: .now)
      guard state.timer == nil, done < total else { return }
      let timer = DispatchSource.makeTimerSource(queue: .global(qos: .utility))
      timer.schedule(deadline: .now() + 1, repeating: .milliseconds(200))
      timer.setEventHandler { [weak self] in self?.tick() }
      timer.resume()
      state.timer = timer
    }
  }

  /// Clears the line.
  public func finish() {
    state.withLock { state in
      state.timer?.cancel()
      state.timer = nil
      if state.isDrawn, isTerminal { write("\r\u{1B}[K") }
      state.isDrawn = false
    }
  }

  private func tick() {
    state.withLock { state in
      if state.timer != nil { draw(&state, at: .now) }
    }
  }

  /// Draws the line when that is due.
  private func draw(_ state: inout State, at now: ContinuousClock.Instant) {
    guard let steps = state.steps, let started = state.started, now - started > .seconds(1) else { return }
    let pause: Duration = isTerminal ? .milliseconds(100) : .seconds(5)
    if let last = state.lastDrawn, now - last < pause { return }
    state.lastDrawn = now
    state.isDrawn = true
    let text = "\(label): \(steps.done) of \(steps.total), \((now - started).components.seconds) s"
    write(isTerminal ? "\r\u{1B}[K\(text)" : "\(text)\n")
  }
}
