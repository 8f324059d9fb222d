import ClockworkAdapter
import Foundation

/// The two logs that Clockwork's controller writes, as far as their columns apply here: tab-separated, times in
/// nanoseconds since the controller began.
final class ControllerLog: Sendable {
  // Written by the controller's thread only.
  private let actions: FileHandle
  private let requests: FileHandle
  private let begin = NodeClock().now()

  init(directory: String) throws {
    actions = try Self.create(
      directory + "/clockwork_action_log.tsv",
      [
        "t", "action_type", "status", "worker_id", "gpu_id", "model_id", "batch_size", "expected_exec_duration",
        "worker_exec_duration", "worker_exec_complete", "controller_action_duration",
      ])
    requests = try Self.create(
      directory + "/clockwork_request_log.tsv", ["t", "result", "model_id", "latency", "deadline", "deadline_met"])
  }

  private static func create(_ path: String, _ columns: [String]) throws -> FileHandle {
    guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path)
    else { throw CommandError.usage("cannot write \(path)") }
    try file.write(contentsOf: Data((columns.joined(separator: "\t") + "\n").utf8))
    return file
  }

  func add(_ record: ActionRecord) {
    write(
      actions,
      [
        "\(since(record.sent))", record.kind.rawValue, "\(record.status)", "\(record.worker)", "\(record.gpu)",
        "\(record.model)", "\(record.batchSize)", "\(record.expectedDuration)", "\(record.duration ?? 0)",
        "\(record.end.map(since) ?? -1)", "\(record.answered - record.sent)",
      ])
  }

  func add(_ record: RequestRecord) {
    write(
      requests,
      [
        "\(since(record.arrived))", "\(record.status)", "\(record.model)", "\(record.answered - record.arrived)",
        "\(record.slo)", record.isInTime ? "1" : "0",
      ])
  }

  private func since(_ time: Nanoseconds) -> Int64 { Int64(bitPattern: time &- begin) }

  private func write(_ file: FileHandle, _ fields: [String]) {
    try? file.write(contentsOf: Data((fields.joined(separator: "\t") + "\n").utf8))
  }
}
