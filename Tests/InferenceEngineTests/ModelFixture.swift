import Datasets
import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime

/// A model with inputs and the outputs that ONNX Runtime gave for them, made by `.ci/fixtures`.
struct ModelFixture: Decodable, Sendable, CustomStringConvertible {
  let name: String
  let group: String
  let model: String
  let inputs: [String: String]
  let outputs: [String: String]
  /// Allowed difference of an element, relative to the largest magnitude of its output or 1.
  let tolerance: Float

  var description: String { name }

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private struct Manifest: Decodable { let cases: [ModelFixture] }

  /// Empty when `.ci/fixtures` has not run.
  static let all: [ModelFixture] = {
    guard let data = try? Data(contentsOf: root.appendingPathComponent(".build-fixtures/manifest.json")) else {
      return []
    }
    return (try? JSONDecoder().decode(Manifest.self, from: data))?.cases ?? []
  }()

  var path: String { Self.root.appendingPathComponent(model).path }

  /// With a launch for each kernel unless said otherwise: fixtures share single kernels, which saves compiling.
  func loadModel(
    on device: Device, options change: (inout LoadedModel.Options) -> Void = { _ in }
  ) throws -> LoadedModel {
    var options = LoadedModel.Options()
    options.singleLaunch = false
    change(&options)
    return try LoadedModel(path: path, device: device, options: options)
  }

  func loadInputs() throws -> [String: Tensor] { try load(inputs) }
  func loadOutputs() throws -> [String: Tensor] { try load(outputs) }

  private func load(_ files: [String: String]) throws -> [String: Tensor] {
    try files.mapValues { try NumPyFile.read(at: Self.root.appendingPathComponent($0).path) }
  }
}

extension Tensor {
  /// The position of the largest element of each row of the last dimension.
  var top: [Int] {
    let width = shape.last ?? 1
    let values = floats
    return stride(from: 0, to: values.count, by: max(1, width)).map { start in
      (start..<(start + width)).max { values[$0] < values[$1] }.map { $0 - start } ?? 0
    }
  }
}
