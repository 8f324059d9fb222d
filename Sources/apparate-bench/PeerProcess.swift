import Foundation

/// A worker process (an engine with one model) that is driven by lines of JSON over its standard input and output.
///
/// Every wait is bounded. The process ends with its owner. Not thread-safe: one driver for each worker.
final class PeerProcess {
  let name: String
  private let process = Process()
  private let requests = Pipe()
  private let replies = Pipe()
  private let log: LogFile
  private let ended = DispatchSemaphore(value: 0)
  private var unread = Data()

  /// No reply is longer than this: a worker that prints without end is an error, not a full memory.
  private static let longestReply = 16 << 20

  /// Starts the process.
  ///
  /// - Parameters:
  ///   - environment: Added to this process's own.
  ///   - log: Where its standard error goes; quoted in errors.
  init(name: String, executable: URL, arguments: [String], environment: [String: String], log: URL) throws {
    self.name = name
    self.log = try LogFile(at: log)
    // A worker that has died must be an error of the write, not the end of this process.
    signal(SIGPIPE, SIG_IGN)
    process.executableURL = executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, added in added }
    process.standardInput = requests
    process.standardOutput = replies
    process.standardError = self.log.handle
    process.terminationHandler = { [ended] _ in ended.signal() }
    do {
      try process.run()
    } catch {
      throw BenchError.workerEnded(worker: name, status: nil, log: "\(executable.path): \(error)")
    }
  }

  deinit {
    process.end(within: .seconds(2), ended: ended)
  }

  /// Sends one request and waits for its reply.
  func ask<Reply: Decodable>(_ request: WorkerRequest, for reply: Reply.Type, within limit: Duration) throws -> Reply {
    var line = try JSONEncoder().encode(request)
    line.append(0x0A)
    do {
      try requests.fileHandleForWriting.write(contentsOf: line)
    } catch {
      throw endedEarly()
    }
    let answer = try nextLine(to: request, within: limit)
    if let refusal = try? JSONDecoder().decode(ErrorReply.self, from: answer) {
      throw BenchError.workerRefused(worker: name, request: request.command, reason: refusal.error)
    }
    do {
      return try JSONDecoder().decode(Reply.self, from: answer)
    } catch {
      let text = String(decoding: answer, as: UTF8.self)
      throw BenchError.unreadableReply(worker: name, reply: text, reason: "\(error)")
    }
  }

  /// Waits until the process uses no processor time any more, so that the threads of one engine that still spin after
  /// a burst take nothing from the next engine. ONNX Runtime's spin for some tens of milliseconds.
  ///
  /// - Returns: Whether it became quiet within two seconds.
  func settle() -> Bool {
    let deadline = ContinuousClock.now + .seconds(2)
    var before = processorTicks()
    while ContinuousClock.now < deadline {
      // Three ticks of the kernel's usual clock: a thread that spins shows in at least one.
      Thread.sleep(forTimeInterval: 0.03)
      let now = processorTicks()
      if now == before { return true }
      before = now
    }
    return false
  }

  /// Asks the worker to quit, and makes sure that it does.
  func stop() {
    _ = try? ask(.quit, for: QuitReply.self, within: .seconds(10))
    if ended.wait(timeout: .now() + 5) == .success {
      ended.signal()
    } else {
      process.end(within: .seconds(2), ended: ended)
    }
  }

  /// User and system time of all threads so far; nil where /proc does not tell.
  func processorTicks() -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return nil }
    // proc(5): utime and stime are fields 14 and 15, counted from the one after the name in brackets, field 3.
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return nil }
    return user + system
  }

  private func nextLine(to request: WorkerRequest, within limit: Duration) throws -> Data {
    let deadline = ContinuousClock.now + limit
    let output = replies.fileHandleForReading
    while true {
      if let end = unread.firstIndex(of: 0x0A) {
        let line = Data(unread[..<end])
        unread = Data(unread[unread.index(after: end)...])
        return line
      }
      guard unread.count < Self.longestReply else {
        let start = String(decoding: unread.prefix(400), as: UTF8.self)
        throw BenchError.unreadableReply(worker: name, reply: start, reason: "longer than \(Self.longestReply) bytes")
      }
      let remaining = ContinuousClock.now.duration(to: deadline).seconds
      guard remaining > 0 else {
        throw BenchError.workerTimedOut(worker: name, request: request.command, after: limit, log: log.tail())
      }
      var descriptor = pollfd(fd: output.fileDescriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&descriptor, 1, Int32(min(remaining * 1000 + 1, 1000))) > 0 else { continue }
      let chunk = output.availableData
      guard !chunk.isEmpty else { throw endedEarly() }
      unread.append(chunk)
    }
  }

  private func endedEarly() -> BenchError {
    let gone = ended.wait(timeout: .now() + 2) == .success
    if gone { ended.signal() }
    return .workerEnded(worker: name, status: gone ? process.terminationStatus : nil, log: log.tail())
  }
}
