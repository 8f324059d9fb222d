import Foundation

/// A program that runs to its end, with a limit on how long that may take.
struct BoundedCommand {
  let executable: URL
  var arguments: [String] = []
  var environment: [String: String] = [:]

  private var shown: String { ([executable.lastPathComponent] + arguments).joined(separator: " ") }

  /// Runs the program and returns what it printed.
  ///
  /// - Parameter environment: Added to this process's own.
  /// - Throws: `BenchError.commandFailed` or `.commandTimedOut`, both with the end of what it wrote to standard error.
  @discardableResult
  func run(within limit: Duration) throws -> Data {
    let folder = FileManager.default.temporaryDirectory.appending(path: "apparate-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // Files, not pipes: a child that prints much never waits for this process to read.
    let output = try LogFile(at: folder.appending(path: "output"))
    let errors = try LogFile(at: folder.appending(path: "errors"))

    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, added in added }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output.handle
    process.standardError = errors.handle
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    do {
      try process.run()
    } catch {
      throw BenchError.commandFailed(command: shown, status: -1, log: "\(error)")
    }
    guard ended.wait(timeout: .now() + limit.seconds) == .success else {
      process.end(within: .seconds(5), ended: ended)
      throw BenchError.commandTimedOut(command: shown, after: limit, log: errors.tail())
    }
    guard process.terminationStatus == 0 else {
      throw BenchError.commandFailed(command: shown, status: process.terminationStatus, log: errors.tail())
    }
    return try Data(contentsOf: output.url)
  }
}

extension Process {
  /// Asks the process to end, and kills it when it has not done so in time.
  func end(within grace: Duration, ended: DispatchSemaphore) {
    guard isRunning else { return }
    terminate()
    if ended.wait(timeout: .now() + grace.seconds) != .success {
      kill(processIdentifier, SIGKILL)
    }
  }
}

extension Duration {
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
