import Foundation

/// A model to measure, by the name used on the command line.
struct BenchmarkModel {
  enum Source {
    /// Made by Peers/models.py with random weights.
    case generated(String)
    /// A file of Tests/Workloads.
    case workload(String)
    case file(URL)
  }

  let name: String
  let source: Source
  /// Sizes of symbolic dimensions other than the batch.
  var dimensions: [String: Int] = [:]

  static let catalogue = [
    BenchmarkModel(name: "vgg16", source: .generated("vgg16")),
    BenchmarkModel(name: "resnet18", source: .generated("resnet18")),
    BenchmarkModel(name: "resnet50", source: .generated("resnet50")),
    BenchmarkModel(name: "mobilenetv2", source: .generated("mobilenetv2")),
    BenchmarkModel(name: "minilm-32", source: .generated("minilm-l6"), dimensions: ["S": 32]),
    BenchmarkModel(name: "minilm-128", source: .generated("minilm-l6"), dimensions: ["S": 128]),
    BenchmarkModel(name: "bert-base-128", source: .generated("bert-base"), dimensions: ["S": 128]),
    BenchmarkModel(name: "d1-resnet18", source: .workload("vtest-resnet18.onnx")),
    BenchmarkModel(name: "efficientnet-lite0", source: .workload("vtest-efficientnet-lite0.onnx")),
  ]

  static func named(_ name: String) throws -> BenchmarkModel {
    guard let model = catalogue.first(where: { $0.name == name }) else {
      throw BenchError.unknownModel(name, known: catalogue.map(\.name))
    }
    return model
  }
}
