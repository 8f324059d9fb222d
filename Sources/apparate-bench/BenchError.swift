import Foundation

/// What can go wrong in a measurement, in words for the person who started it.
enum BenchError: Error, CustomStringConvertible {
  case unknownModel(String, known: [String])
  case unknownPeer(String)
  case missingFile(path: String, hint: String)
  case missingTools(what: String, install: String)
  case invalidOption(String)
  case commandFailed(command: String, status: Int32, log: String)
  case commandTimedOut(command: String, after: Duration, log: String)
  case unreadableOutput(command: String, text: String)
  case workerEnded(worker: String, status: Int32?, log: String)
  case workerTimedOut(worker: String, request: String, after: Duration, log: String)
  case workerRefused(worker: String, request: String, reason: String)
  case unreadableReply(worker: String, reply: String, reason: String)
  case noCommonOutput(subject: [String], peer: [String])
  case differentShapes(output: String, subject: [Int], peer: [Int])
  case notLoaded

  var description: String {
    switch self {
    case .unknownModel(let name, let known):
      "unknown model \"\(name)\"; known: \(known.joined(separator: ", ")) (or give --model-file)"
    case .unknownPeer(let name):
      "unknown engine \"\(name)\"; known: \(EngineName.allCases.map(\.rawValue).joined(separator: ", "))"
    case .missingFile(let path, let hint): "no file at \(path): \(hint)"
    case .missingTools(let what, let install): "\(what) cannot be compiled here; install what is missing: \(install)"
    case .invalidOption(let text): text
    case .commandFailed(let command, let status, let log):
      "\(command) failed with status \(status)\(Self.quoted(log))"
    case .commandTimedOut(let command, let limit, let log):
      "\(command) was stopped after \(limit)\(Self.quoted(log))"
    case .unreadableOutput(let command, let text): "\(command) printed what cannot be read: \(text.prefix(400))"
    case .workerEnded(let worker, let status, let log):
      "the \(worker) process ended\(status.map { " with status \($0)" } ?? "") before it answered\(Self.quoted(log))"
    case .workerTimedOut(let worker, let request, let limit, let log):
      "\(worker) did not answer \"\(request)\" within \(limit)\(Self.quoted(log))"
    case .workerRefused(let worker, let request, let reason): "\(worker) could not \(request): \(reason)"
    case .unreadableReply(let worker, let reply, let reason):
      "\(worker) answered \"\(reply.prefix(400))\", which is not the reply expected: \(reason)"
    case .noCommonOutput(let subject, let peer):
      "the outputs have no name in common: \(subject.sorted()) and \(peer.sorted())"
    case .differentShapes(let output, let subject, let peer):
      "output \(output) has shape \(subject), the peer's has \(peer)"
    case .notLoaded: "no model is loaded yet: send \"load\" first"
    }
  }

  private static func quoted(_ log: String) -> String {
    let text = log.trimmingCharacters(in: .whitespacesAndNewlines)
    return text.isEmpty ? "" : "; its last words:\n\(text)"
  }
}
