import Foundation

/// Where the files of benchmark models and their inputs come from: made by Peers/models.py in the cache, on first use.
struct ModelStore {
  let python: PythonEnvironment
  /// Generated models, kept between runs.
  let models: URL
  /// The folder Tests/Workloads.
  let workloads: URL

  init(python: PythonEnvironment, cache: URL, workloads: URL) throws {
    self.python = python
    self.workloads = workloads
    models = cache.appending(path: "models")
    try discardModelsOfOtherScripts()
  }

  func file(of model: BenchmarkModel) throws -> URL {
    let file: URL
    switch model.source {
    case .generated(let name):
      let made: [String: String] = try python.run(
        "models.py", ["build", models.path, name], within: .seconds(300))
      guard let path = made[name] else { throw BenchError.unknownModel(name, known: Array(made.keys)) }
      file = URL(filePath: path)
    case .workload(let name): file = workloads.appending(path: name)
    case .file(let url): file = url
    }
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw BenchError.missingFile(path: file.path, hint: "start in the repository's root, or give --workloads")
    }
    return file
  }

  /// One .npy file for each input, written into `folder`, and the size of each symbolic dimension.
  func inputs(of model: BenchmarkModel, at file: URL, batch: Int, in folder: URL) throws -> ModelInputs {
    let sizes = model.dimensions.sorted { $0.key < $1.key }.flatMap { ["--dimension", "\($0.key)=\($0.value)"] }
    return try python.run(
      "models.py", ["inputs", file.path, folder.path, "--batch", "\(batch)"] + sizes, within: .seconds(120))
  }

  /// Models made by an older version of the scripts are not the ones that the figures speak of.
  private func discardModelsOfOtherScripts() throws {
    var text = Data()
    for script in ["graph_builder.py", "vision_models.py", "text_models.py", "models.py"] {
      text.append(try Data(contentsOf: python.scripts.appending(path: script)))
    }
    let stamp = models.appending(path: "scripts.txt")
    if (try? Data(contentsOf: stamp)) == text { return }
    if FileManager.default.fileExists(atPath: models.path) {
      try FileManager.default.removeItem(at: models)
    }
    try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
    try text.write(to: stamp)
  }
}

/// Input name to .npy file, and symbolic dimension to size.
struct ModelInputs: Decodable {
  var inputs: [String: String]
  var dimensions: [String: Int]
}
