import Foundation

/// `apparate prepare` over and over, in a process that can be stopped and go on.
final class BackgroundPreparation {
  private let program: URL
  private let arguments: [String]
  private var process: Process?
  private var isStopped = false

  init(_ program: URL, _ arguments: [String]) {
    self.program = program
    self.arguments = arguments
  }

  /// Lets it run, or stops it.
  func run(_ runs: Bool) throws {
    guard runs else {
      if let process, process.isRunning, !isStopped { kill(process.processIdentifier, SIGSTOP) }
      isStopped = true
      return
    }
    if let process, process.isRunning {
      if isStopped { kill(process.processIdentifier, SIGCONT) }
    } else {
      if let process, process.terminationStatus != 0 {
        throw BenchError.commandFailed(
          command: "apparate prepare", status: process.terminationStatus, log: "see above")
      }
      let next = Process()
      next.executableURL = program
      next.arguments = arguments
      next.standardInput = FileHandle.nullDevice
      next.standardOutput = FileHandle.nullDevice
      try next.run()
      process = next
    }
    isStopped = false
  }

  func end() {
    guard let process, process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}
