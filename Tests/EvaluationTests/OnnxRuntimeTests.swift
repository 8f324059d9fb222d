import Datasets
import Foundation
import InferenceEngine
import Serving
import Testing

/// A prepared model is an ordinary ONNX file: ONNX Runtime opens it and gets what we get. `.ci/fixtures` installs it.
@Suite struct OnnxRuntimeTests {
  @Test func opensPreparedModelsAndAgrees() throws {
    let prepared = try PreparedTraffic.shared.get()
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("prepared.onnx").path
    try prepared.outcome.model.write(to: path, original: PreparedTraffic.modelPath)
    let sample = PreparedTraffic.folder.appendingPathComponent("vtest-sample.npy").path

    let root = PreparedTraffic.folder.deletingLastPathComponent().deletingLastPathComponent()
    let process = Process()
    process.executableURL = root.appendingPathComponent(".build-python/bin/python")
    process.arguments = [
      root.appendingPathComponent("Tests/EvaluationTests/Peers/run_prepared.py").path, PreparedTraffic.modelPath, path,
      sample, folder.path,
    ]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "ONNX Runtime does not give the original's outputs")

    let read = try PreparedModel(path: path)
    var options = PreparedTraffic.loading
    options.sideOutputs = read.sideOutputs
    let model = try LoadedModel(graph: read.graph, device: prepared.device, options: options)
    let ours = try model.run(
      ["image": try NumPyFile.read(at: sample)], sides: try model.sideOutputs(read.sideOutputs))
    let names = try String(contentsOf: folder.appendingPathComponent("names.txt"), encoding: .utf8)
      .split(separator: "\n").map(String.init)
    #expect(Set(names) == read.sideOutputs)
    for (number, name) in names.enumerated() {
      let theirs = try NumPyFile.read(at: folder.appendingPathComponent("\(number).npy").path)
      let tensor = try #require(ours[name])
      #expect(tensor.shape == theirs.shape)
      for (mine, other) in zip(tensor.floats, theirs.floats) {
        #expect(abs(mine - other) <= 1e-3 * max(1, abs(other)), "\(name)")
      }
    }
  }
}
