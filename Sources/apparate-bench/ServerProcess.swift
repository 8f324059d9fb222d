import Foundation

/// A server that prints "port N" when it is ready, and ends with its standard input.
final class ServerProcess {
  private(set) var port = 0
  private let name: String
  private let process = Process()
  private let input = Pipe()
  private let ended = DispatchSemaphore(value: 0)

  /// Starts the server and waits for its port.
  ///
  /// - Parameter log: Where its standard error goes; quoted in errors.
  init(name: String, executable: URL, arguments: [String], log: URL) throws {
    self.name = name
    let errors = try LogFile(at: log)
    let output = try LogFile(at: log.appendingPathExtension("output"))
    process.executableURL = executable
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output.handle
    process.standardError = errors.handle
    process.terminationHandler = { [ended] _ in ended.signal() }
    do {
      try process.run()
    } catch {
      throw BenchError.workerEnded(worker: name, status: nil, log: "\(executable.path): \(error)")
    }
    let limit = Duration.seconds(30)
    let deadline = ContinuousClock.now + limit
    while port == 0 {
      guard process.isRunning else {
        throw BenchError.workerEnded(worker: name, status: process.terminationStatus, log: errors.tail())
      }
      guard ContinuousClock.now < deadline else {
        throw BenchError.workerTimedOut(worker: name, request: "start", after: limit, log: errors.tail())
      }
      Thread.sleep(forTimeInterval: 0.02)
      let words = try String(contentsOf: output.url, encoding: .utf8).split(whereSeparator: \.isWhitespace)
      if words.count == 2, words[0] == "port", let number = Int(words[1]) { port = number }
    }
  }

  deinit {
    try? input.fileHandleForWriting.close()
    if ended.wait(timeout: .now() + 5) != .success { process.end(within: .seconds(2), ended: ended) }
  }

  /// Processor time of all its threads so far.
  func processorNanoseconds() throws -> Int {
    let folder = "/proc/\(process.processIdentifier)/task"
    // proc(5): the first number of schedstat is the time on a processor, in nanoseconds.
    return try FileManager.default.contentsOfDirectory(atPath: folder).reduce(0) { sum, thread in
      guard let text = try? String(contentsOfFile: "\(folder)/\(thread)/schedstat", encoding: .utf8),
        let time = text.split(separator: " ").first.flatMap({ Int($0) })
      else { return sum }
      return sum + time
    }
  }
}
