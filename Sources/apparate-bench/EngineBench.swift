import ArgumentParser
import Foundation

/// Our engine beside ONNX Runtime and OpenVINO: speed, memory, load time and agreement of the answers.
struct EngineBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engine",
    abstract: "Compare the inference engine with ONNX Runtime and OpenVINO.",
    discussion: """
      Every engine runs in a process of its own; bursts of runs take turns. The first use installs the peers into the \
      cache folder (needs python3 with venv, and the network) and makes the models.
      Models: \(BenchmarkModel.catalogue.map(\.name).joined(separator: ", ")).
      """)

  @Option(help: "Models, separated by commas.", transform: list)
  var models = ["resnet18", "mobilenetv2", "minilm-128"]

  @Option(help: "An ONNX file to measure in place of --models.")
  var modelFile: String?

  @Option(help: "For --model-file: the size of a symbolic dimension, NAME=SIZE, as often as needed.")
  var dimension: [String] = []

  @Option(help: "Numbers of threads, separated by commas.", transform: positiveIntegers)
  var threads = [1, 2]

  @Option(help: "Batch sizes, separated by commas.", transform: positiveIntegers)
  var batch = [1]

  @Option(help: "Engines to compare with, separated by commas.", transform: engines)
  var peers = [EngineName.onnxruntime, .openvino]

  @Option(
    help: "The engine they are compared with. A peer against itself shows the machine's noise.",
    transform: EngineName.init(parsing:))
  var subject = EngineName.apparate

  @Option(help: "Rounds; each gives every engine one burst.")
  var rounds = 15

  @Flag(help: "Do not measure a load with empty kernel caches.")
  var skipCold = false

  @Option(help: "Folder for the peers and the models.")
  var cache: String = Self.defaultCache

  @Option(help: "The folder Tests/Workloads of the repository.")
  var workloads = "Tests/Workloads"

  @Flag(help: "Print one JSON object a line.")
  var json = false

  func validate() throws {
    guard (1...1000).contains(rounds) else { throw ValidationError("--rounds is a number from 1 to 1000") }
    guard threads.allSatisfy({ $0 <= 1024 }) else { throw ValidationError("--threads are at most 1024") }
    guard batch.allSatisfy({ $0 <= 4096 }) else { throw ValidationError("--batch sizes are at most 4096") }
    guard dimension.isEmpty || modelFile != nil else { throw ValidationError("--dimension goes with --model-file") }
  }

  func run() throws {
    let report = Report(json: json)
    let chosen = try chosenModels()
    let cacheFolder = URL(filePath: cache)
    let python = try PythonEnvironment(cache: cacheFolder, progress: report.progress)
    let store = try ModelStore(python: python, cache: cacheFolder, workloads: URL(filePath: workloads))
    let scratch = FileManager.default.temporaryDirectory.appending(path: "apparate-bench-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: scratch) }
    let comparison = EngineComparison(
      subject: subject, peers: peers, rounds: rounds, coldLoad: !skipCold && subject == .apparate, python: python,
      scratch: scratch, progress: report.progress)

    report.header(subject: subject)
    var failures = 0
    for model in chosen {
      for size in batch {
        for count in threads {
          do {
            report.progress("\(model.name), \(count) threads, batch \(size)")
            let file = try store.file(of: model)
            let inputs = try store.inputs(of: model, at: file, batch: size, in: scratch.appending(path: "inputs"))
            let workload = EngineComparison.Workload(
              model: model.name, file: file, inputs: inputs, threads: count, batch: size)
            try comparison.compare(workload).forEach(report.add)
          } catch {
            // One model that fails takes nothing from the others.
            failures += 1
            report.add(FailedResult(model: model.name, threads: count, batch: size, error: "\(error)"))
          }
        }
      }
    }
    guard failures == 0 else { throw ExitCode.failure }
  }

  private func chosenModels() throws -> [BenchmarkModel] {
    guard let modelFile else { return try models.map(BenchmarkModel.named) }
    var sizes: [String: Int] = [:]
    for text in dimension {
      let parts = text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let size = Int(parts[1]), (1...1_000_000).contains(size) else {
        throw BenchError.invalidOption("--dimension \(text): expected NAME=SIZE, for example S=128")
      }
      sizes[String(parts[0])] = size
    }
    let file = URL(filePath: modelFile)
    return [BenchmarkModel(name: file.lastPathComponent, source: .file(file), dimensions: sizes)]
  }

  static var defaultCache: String {
    let environment = ProcessInfo.processInfo.environment
    let base = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
    return base + "/apparate-bench"
  }
}

private func list(_ text: String) -> [String] {
  text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
}

private func positiveIntegers(_ text: String) throws -> [Int] {
  try list(text).map { part in
    guard let number = Int(part), number > 0 else { throw ValidationError("\"\(part)\" is not a positive number") }
    return number
  }
}

private func engines(_ text: String) throws -> [EngineName] {
  try list(text).map(EngineName.init(parsing:))
}
