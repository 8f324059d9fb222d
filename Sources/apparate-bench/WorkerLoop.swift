import Datasets
import Foundation
import ModelGraph

/// What a worker needs of an engine: one model, loaded with the inputs that it will be run on.
protocol WorkerEngine {
  /// Returns when the model can be run.
  ///
  /// - Parameter dimensions: The sizes of symbolic dimensions that the inputs have.
  init(model: URL, inputs: [String: Tensor], threads: Int, dimensions: [String: Int]) throws

  /// One inference; returns when the outputs are in the host's memory.
  mutating func run() throws

  /// The outputs of the last run.
  func outputs() -> [String: Tensor]
}

/// Answers lines of JSON until there are no more or one says quit: what Peers/peer.py does, for an engine of our own.
struct WorkerLoop<Engine: WorkerEngine> {
  private let baseline: Int
  private let replies: FileHandle
  private var engine: Engine?

  init() throws {
    baseline = try ProcessMemory.now().resident
    // What a driver or library prints must not mix with the replies: it goes to standard error.
    replies = FileHandle(fileDescriptor: dup(STDOUT_FILENO), closeOnDealloc: true)
    dup2(STDERR_FILENO, STDOUT_FILENO)
  }

  mutating func answer() throws {
    while let line = readLine() {
      do {
        let request = try JSONDecoder().decode(WorkerRequest.self, from: Data(line.utf8))
        try send(perform(request))
        if case .quit = request { return }
      } catch {
        try send(ErrorReply(error: "\(error)"))
      }
    }
  }

  private mutating func perform(_ request: WorkerRequest) throws -> any Encodable {
    switch request {
    case .load(let load): try self.load(load)
    case .run(let count): RunReply(milliseconds: try run(count))
    case .outputs(let directory): try writeOutputs(to: URL(filePath: directory))
    case .memory: try memory()
    case .quit: QuitReply()
    }
  }

  private mutating func load(_ request: WorkerLoad) throws -> LoadReply {
    let inputs = try request.inputs.mapValues { try NumPyFile.read(at: $0) }
    let clock = ContinuousClock()
    let loading = try clock.measure {
      engine = try Engine(
        model: URL(filePath: request.model), inputs: inputs, threads: request.threads, dimensions: request.dimensions)
    }
    let first = try run(1)
    return LoadReply(seconds: loading.seconds, firstRunMilliseconds: first[0])
  }

  private mutating func run(_ count: Int) throws -> [Double] {
    guard var engine else { throw BenchError.notLoaded }
    defer { self.engine = engine }
    let clock = ContinuousClock()
    return try (0..<max(count, 0)).map { _ in
      try clock.measure { try engine.run() }.seconds * 1000
    }
  }

  private func writeOutputs(to directory: URL) throws -> OutputsReply {
    guard let engine else { throw BenchError.notLoaded }
    var files: [String: String] = [:]
    for (place, (name, array)) in engine.outputs().sorted(by: { $0.key < $1.key }).enumerated() {
      let path = directory.appending(path: "output-\(place).npy").path
      try NumPyFile.write(array, to: path)
      files[name] = path
    }
    return OutputsReply(files: files)
  }

  private func memory() throws -> MemoryReply {
    let memory = try ProcessMemory.now()
    return MemoryReply(peak: memory.peak, resident: memory.resident, baseline: baseline)
  }

  private func send(_ reply: any Encodable) throws {
    var line = try JSONEncoder().encode(reply)
    line.append(0x0A)
    try replies.write(contentsOf: line)
  }
}
