/// What the driver asks of a worker process: one line of JSON each (see Peers/peer.py).
enum WorkerRequest: Codable, Sendable {
  case load(WorkerLoad)
  case run(count: Int)
  /// Write the outputs of the last run into a folder.
  case outputs(directory: String)
  case memory
  case quit

  /// The word on the wire, also used in messages to people.
  var command: String {
    switch self {
    case .load: "load"
    case .run: "run"
    case .outputs: "outputs"
    case .memory: "memory"
    case .quit: "quit"
    }
  }

  private enum Key: String, CodingKey {
    case cmd
    case `repeat`
    case directory
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(command, forKey: .cmd)
    switch self {
    case .load(let load): try load.encode(to: encoder)
    case .run(let count): try container.encode(count, forKey: .repeat)
    case .outputs(let directory): try container.encode(directory, forKey: .directory)
    case .memory, .quit: break
    }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    switch try container.decode(String.self, forKey: .cmd) {
    case "load": self = .load(try WorkerLoad(from: decoder))
    case "run": self = .run(count: try container.decode(Int.self, forKey: .repeat))
    case "outputs": self = .outputs(directory: try container.decode(String.self, forKey: .directory))
    case "memory": self = .memory
    case "quit": self = .quit
    case let other:
      throw DecodingError.dataCorruptedError(forKey: .cmd, in: container, debugDescription: "unknown \"\(other)\"")
    }
  }
}

/// A model, the inputs it will be run on, and the sizes of its symbolic dimensions.
struct WorkerLoad: Codable, Sendable {
  var peer: EngineName
  var model: String
  var threads: Int
  /// Input name to .npy file.
  var inputs: [String: String]
  var dimensions: [String: Int]
}

/// `seconds` until the model could be run, and what its first run took on top.
struct LoadReply: Codable, Sendable {
  var seconds: Double
  var firstRunMilliseconds: Double

  /// Until the first answer: engines differ in how much they leave to the first run.
  var secondsToFirstAnswer: Double { seconds + firstRunMilliseconds / 1000 }
}

struct RunReply: Codable, Sendable {
  var milliseconds: [Double]
}

/// Output name to .npy file. One output may stand under several names.
struct OutputsReply: Codable, Sendable {
  var files: [String: String]
}

/// Bytes. `baseline` is what the process held before its engine was loaded.
struct MemoryReply: Codable, Sendable {
  var peak: Int
  var resident: Int
  var baseline: Int

  var peakOfEngine: Int { max(1, peak - baseline) }
}

struct QuitReply: Codable, Sendable {}

/// What a worker answers when it could not do what it was asked.
struct ErrorReply: Codable, Sendable {
  var error: String
}
