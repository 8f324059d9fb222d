import Dispatch
import Foundation

/// The operating system's wish that a server should end: SIGTERM, or SIGINT from a terminal.
enum TerminationSignal {
  /// Returns after the first one. A second one ends the process at once.
  static func wait() {
    let arrived = DispatchSemaphore(value: 0)
    let sources = [SIGTERM, SIGINT].map { number in
      // The default is to end the process here and now.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { arrived.signal() }
      source.resume()
      return source
    }
    arrived.wait()
    for source in sources { source.cancel() }
    for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
  }
}

/// One line on standard error.
func logLine(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
