import Foundation
import InferenceEngine
import ModelGraph
import OpenCLRuntime

/// One of ONNX's own test models with inputs and expected outputs: a directory `category/name`.
struct NodeTestCase: Sendable, CustomStringConvertible, Comparable {
  /// E.g. `node/test_abs`.
  let description: String

  static func < (a: NodeTestCase, b: NodeTestCase) -> Bool { a.description < b.description }

  /// Where the categories lie: what `APPARATE_ONNX_TESTS` says, else where `.ci/fixtures` puts them.
  static let root: URL = {
    if let path = ProcessInfo.processInfo.environment["APPARATE_ONNX_TESTS"] { return URL(fileURLWithPath: path) }
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return package.appendingPathComponent(".build-fixtures/onnx-data")
  }()

  /// Every case there is; empty when the fixtures have not been made.
  static let all: [NodeTestCase] = ["node", "simple"].flatMap { category in
    let names = try? FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(category).path)
    return (names ?? []).sorted().map { NodeTestCase(description: "\(category)/\($0)") }
  }

  enum Outcome: Equatable, Sendable {
    case passes
    /// Not run, for a reason that was given as a typed error.
    case refused(String)
    /// Wrong values.
    case differs(String)
  }

  private var directory: URL { Self.root.appendingPathComponent(description) }

  func run(on device: Device) throws -> Outcome {
    let model: LoadedModel
    do {
      model = try LoadedModel(path: directory.appendingPathComponent("model.onnx").path, device: device)
    } catch let error as ImportError {
      return .refused(Self.reason(error))
    }
    let sets = try FileManager.default.contentsOfDirectory(atPath: directory.path)
      .filter { $0.hasPrefix("test_data_set_") }.sorted()
    for set in sets {
      let inputs = try tensors("input", in: set)
      var fed: [String: Tensor] = [:]
      for (position, file) in inputs.enumerated() where position < model.inputNames.count {
        fed[model.inputNames.contains(file.name) ? file.name : model.inputNames[position]] = file.tensor
      }
      let results: [String: Tensor]
      do {
        results = try model.run(fed)
      } catch let error as GraphError {
        return .refused("\(error)")
      } catch let error as EngineError {
        return .refused("\(error)")
      }
      for (name, expected) in zip(model.outputNames, try tensors("output", in: set)) {
        guard let result = results[name] else { return .differs("output \(name) is missing") }
        if let difference = Self.difference(result, expected.tensor) { return .differs("\(name): \(difference)") }
      }
    }
    return .passes
  }

  private func tensors(_ kind: String, in set: String) throws -> [TensorFile] {
    let folder = directory.appendingPathComponent(set)
    var files: [TensorFile] = []
    while case let path = folder.appendingPathComponent("\(kind)_\(files.count).pb").path,
      FileManager.default.fileExists(atPath: path)
    { files.append(try TensorFile(at: path)) }
    return files
  }

  private static func reason(_ error: ImportError) -> String {
    guard case .unsupportedNodes(let nodes) = error else { return "\(error)" }
    return Set(nodes.map { "\($0.op): \($0.reason)" }).sorted().joined(separator: "; ")
  }

  /// The first difference beyond the tolerances of ONNX's backend tests; integers and truth values must be equal.
  private static func difference(_ result: Tensor, _ expected: Tensor) -> String? {
    guard result.type == expected.type, result.shape == expected.shape else {
      return "expected \(expected.type) \(expected.shape), got \(result.type) \(result.shape)"
    }
    if result.type.isFloatingPoint {
      for (index, (got, wanted)) in zip(result.doubles, expected.doubles).enumerated() {
        let isClose = abs(got - wanted) <= 1e-5 + 1e-3 * abs(wanted)
        guard isClose || got == wanted || (got.isNaN && wanted.isNaN) else {
          return "element \(index) of \(result.shape): expected \(wanted), got \(got)"
        }
      }
    } else {
      for (index, (got, wanted)) in zip(result.integers, expected.integers).enumerated() where got != wanted {
        return "element \(index) of \(result.shape): expected \(wanted), got \(got)"
      }
    }
    return nil
  }
}
