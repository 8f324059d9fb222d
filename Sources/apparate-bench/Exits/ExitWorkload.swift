import Datasets
import EarlyExit
import Foundation
import ModelGraph

/// A model, what it is prepared on and the stream that it then serves.
struct ExitWorkload {
  let name: String
  let model: URL
  let bootstrap: [DataSelection]
  let stream: [DataSelection]
  let recipes: [String]
  /// Arrivals at a rate in items a second.
  let arrivals: (Double) throws -> (text: String, times: Arrivals)

  /// What the bootstrap items' recipes do instead of the stream's steps, where that is something else.
  var unrelatedSteps: String?

  static let names = ["d1-resnet18", "d1-lite0", "d2", "harm"]

  /// - Parameters:
  ///   - files: where models and data are.
  static func named(_ name: String, files: ExitFiles) throws -> ExitWorkload {
    func fixed(_ rate: Double) throws -> (text: String, times: Arrivals) {
      (String(format: "fixed:%.3f", rate), .fixed(rate: rate))
    }
    switch name {
    case "d1-resnet18", "d1-lite0", "harm":
      let isResNet = name != "d1-lite0"
      let tiles = files.tiles.path
      let steps =
        isResNet
        ? "subtract 127.5 | divide 64 | channels-first"
        : "reverse-channels | resize 96 96 | subtract 127 | divide 128 | channels-first"
      return ExitWorkload(
        name: name,
        model: files.workloads.appending(path: isResNet ? "vtest-resnet18.onnx" : "vtest-efficientnet-lite0.onnx"),
        bootstrap: [DataSelection(path: tiles)], stream: [DataSelection(path: tiles)],
        recipes: ["image=ARRAY | \(steps)"], arrivals: fixed,
        // Ramps that learnt from smears in negative know nothing of the street.
        unrelatedSteps: name == "harm"
          ? "resize 3 3 | resize 64 64 | subtract 127.5 | divide -24 | channels-first" : nil)
    case "d2":
      let folder = files.sentiment
      func data(_ file: String, _ rows: DataSelection.Rows = .all) -> DataSelection {
        DataSelection(path: folder.appending(path: "\(file).npz").path, rows: rows)
      }
      return ExitWorkload(
        name: name, model: folder.appending(path: "minilm-sentiment.onnx"),
        bootstrap: [data("movie", .listed("train"))],
        stream: [data("movie", .listed("test")), data("amazon"), data("tweets")],
        recipes: ["input_ids=ids | trim 16", "attention_mask=ids | nonzero | trim 16"],
        arrivals: { rate in
          guard let trace = files.trace else { return (String(format: "poisson:%.3f", rate), .poisson(rate: rate)) }
          let text = "csv:\(trace.path)@\(rate)"
          return (String(format: "azure trace at %.3f", rate), try Arrivals(text))
        })
    default: throw BenchError.invalidOption("unknown workload \"\(name)\"; known: \(names.joined(separator: ", "))")
    }
  }

  /// The recipes with the array that holds one part of the data, where both are in one file.
  private func recipes(_ array: String) throws -> [InputRecipe] {
    if array == "bootstrap", let unrelatedSteps { return [try InputRecipe("image=bootstrap | \(unrelatedSteps)")] }
    return try recipes.map { try InputRecipe($0.replacingOccurrences(of: "ARRAY", with: array)) }
  }

  private func items(_ selections: [DataSelection], _ array: String, limit: Int) throws -> Items {
    let graph = try ONNXImporter.importModel(at: model.path)
    let inputs = graph.inputs.map { Items.Input(name: graph[$0].name, type: graph[$0].type ?? .float32) }
    for selection in selections where !FileManager.default.fileExists(atPath: selection.path) {
      throw BenchError.missingFile(path: selection.path, hint: "run .ci/fixtures, or give --tiles or --sentiment")
    }
    return try Items(selections, inputs: inputs, recipes: try recipes(array), limit: limit)
  }

  func bootstrapItems(limit: Int = .max) throws -> Items { try items(bootstrap, "bootstrap", limit: limit) }
  func streamItems(limit: Int = .max) throws -> Items { try items(stream, "stream", limit: limit) }
}

/// Where the workloads' files are.
struct ExitFiles {
  /// Models, and the tiles unless others are given.
  let workloads: URL
  /// `bootstrap` and `stream` tiles.
  let tiles: URL
  /// What make_sentiment.py wrote.
  let sentiment: URL
  /// Arrival times; Poisson arrivals without.
  let trace: URL?
}
